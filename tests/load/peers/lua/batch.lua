-- SPDX-License-Identifier: Apache-2.0
-- A batch as subrequests of nginx's proxy; upstreams by IPv4 address only.
local balancer = require "ngx.balancer"
local cjson = require "cjson.safe"

local TIMEOUT_MS = 30000
local CODES = { [502] = "upstream failed", [504] = "timeout" }

local M = {}
local addresses = {} -- authority -> {host, port}; a ceiling of its own the race does not need

local function address_of(authority)
   local known = addresses[authority]
   if not known then
      local host, port = authority:match("^([%d.]+):?(%d*)$")
      if not host then
         return nil
      end
      known = { host, tonumber(port) or 80 }
      addresses[authority] = known
   end
   return known
end

-- Called for each subrequest, by balancer_by_lua_block.
function M.pick()
   local address = address_of(ngx.var.item_host)
   local seconds = (ngx.ctx.timeout_ms or TIMEOUT_MS) / 1000
   balancer.set_timeouts(seconds, seconds, seconds)
   balancer.set_current_peer(address[1], address[2])
end

local function read_items()
   ngx.req.read_body()
   local text = ngx.req.get_body_data()
   if not text then
      local file = io.open(ngx.req.get_body_file() or "", "rb")
      text = file and file:read("*a")
      if file then
         file:close()
      end
   end
   local document = text and cjson.decode(text)
   return type(document) == "table" and document.requests
end

local function flat(headers)
   for name, value in pairs(headers) do
      if type(value) == "table" then
         headers[name] = table.concat(value, ", ")
      end
   end
   return headers
end

local function failure(code)
   return { status = 0, error = { code = code } }
end

local function response_of(reply)
   if CODES[reply.status] then
      return failure(CODES[reply.status])
   elseif reply.truncated then
      return failure("truncated")
   end
   return { status = reply.status, headers = flat(reply.header), body = reply.body }
end

function M.answer()
   local items = read_items()
   if not items then
      return ngx.exit(400)
   end
   local calls, places, responses, good = {}, {}, {}, 0
   for i, item in ipairs(items) do
      local host, path = item.url:match("^http://([^/]+)(.*)$")
      if host and address_of(host) then
         calls[#calls + 1] = { "/item", {
            vars = { item_host = host, item_path = path ~= "" and path or "/" },
            ctx = { timeout_ms = item.timeoutMs },
         } }
         places[#calls] = i
      else
         responses[i] = failure("bad url")
      end
   end
   local replies = #calls > 0 and { ngx.location.capture_multi(calls) } or {}
   for n, reply in ipairs(replies) do
      local response = response_of(reply)
      responses[places[n]] = response
      good = good + (response.error and 0 or 1)
   end
   -- The summary last, as in gatherd's document; pieces, so that nothing is copied again.
   local text = cjson.encode(responses)
   local head, foot = '{"responses":', string.format(',"summary":{"ok":%d}}', good)
   ngx.header["Content-Length"] = #head + #text + #foot
   ngx.print({ head, text, foot })
end

return M
