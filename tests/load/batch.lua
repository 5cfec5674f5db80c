-- SPDX-License-Identifier: Apache-2.0
-- wrk script: one fixed batch, sent again and again; every answer is checked.
--
--   wrk -t1 -c8 -d5s -s batch.lua http://127.0.0.1:8080 -- 100 http://127.0.0.1:9000/1k
--
-- Arguments after "--": COUNT URL for batches of COUNT times that URL, or 0 PATH for a
-- plain GET. "bad" counts answers that are not 200 or whose header says that an item
-- failed; a third argument, any word, says that answers have no such header. The last line
-- of the output is one JSON object for run.py.

local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

function init(args)
   local count, url = tonumber(args[1]), args[2]
   assert(count and url, "usage: wrk ... -s batch.lua http://HOST:PORT -- COUNT URL")
   marked, bad = count > 0 and not args[3], 0
   if count == 0 then
      wrk.path = url
      return
   end
   local item = string.format('{"url":"%s"}', url)
   wrk.method, wrk.path = "POST", "/v1/batch"
   wrk.headers["Content-Type"] = "application/json"
   wrk.body = '{"requests":[' .. string.rep(item .. ",", count - 1) .. item .. "]}"
end

function response(status, headers)
   if status ~= 200 then
      bad = bad + 1
   elseif marked and headers["Gatherd-Complete"] ~= "true" then
      bad = bad + 1
   end
end

function done(summary, latency)
   local bad, e = 0, summary.errors
   for _, thread in ipairs(threads) do
      bad = bad + thread:get("bad")
   end
   io.write(string.format(
      'JSON {"requests":%d,"seconds":%.6f,"bytes":%d,"bad":%d,"socket_errors":%d,' ..
      '"p50_ms":%.3f,"p90_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f}\n',
      summary.requests, summary.duration / 1e6, summary.bytes, bad,
      e.connect + e.read + e.write + e.timeout,
      latency:percentile(50) / 1e3, latency:percentile(90) / 1e3,
      latency:percentile(99) / 1e3, latency.max / 1e3))
end
