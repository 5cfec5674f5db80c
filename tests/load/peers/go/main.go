// SPDX-License-Identifier: Apache-2.0

// The race's peer on Go's net/http: one goroutine per item (see ../README.md).
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	defaultTimeout  = 30 * time.Second
	requestMaxBytes = 16 << 20
	connectionsMax  = 20000
)

type item struct {
	URL       string `json:"url"`
	TimeoutMS int64  `json:"timeoutMs"`
}

type fault struct {
	Code string `json:"code"`
}

type response struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body"`
	Error   *fault            `json:"error,omitempty"`
}

type summary struct {
	OK int `json:"ok"`
}

type document struct {
	Responses []response `json:"responses"`
	Summary   summary    `json:"summary"`
}

var client = http.Client{
	Transport: &http.Transport{MaxIdleConnsPerHost: connectionsMax, IdleConnTimeout: time.Minute},
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	},
}

func get(ctx context.Context, url string) (response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return response{}, err
	}
	reply, err := client.Do(request)
	if err != nil {
		return response{}, err
	}
	defer reply.Body.Close()
	var body bytes.Buffer
	if reply.ContentLength > 0 {
		body.Grow(int(reply.ContentLength) + bytes.MinRead)
	}
	if _, err := body.ReadFrom(reply.Body); err != nil {
		return response{}, err
	}
	headers := make(map[string]string, len(reply.Header))
	for name, values := range reply.Header {
		headers[name] = strings.Join(values, ", ")
	}
	return response{Status: reply.StatusCode, Headers: headers, Body: body.String()}, nil
}

func fetch(parent context.Context, it item) response {
	limit := defaultTimeout
	if it.TimeoutMS > 0 {
		limit = time.Duration(it.TimeoutMS) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(parent, limit)
	defer cancel()
	got, err := get(ctx, it.URL)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return response{Error: &fault{"timeout"}}
	case err != nil:
		return response{Error: &fault{err.Error()}}
	}
	return got
}

func batch(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Requests []item `json:"requests"`
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestMaxBytes))
	if err != nil || json.Unmarshal(text, &in) != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	out := document{Responses: make([]response, len(in.Requests))}
	var group sync.WaitGroup
	group.Add(len(in.Requests))
	for i := range in.Requests {
		go func(i int) {
			defer group.Done()
			out.Responses[i] = fetch(r.Context(), in.Requests[i])
		}(i)
	}
	group.Wait()
	for i := range out.Responses {
		if out.Responses[i].Error == nil {
			out.Summary.OK++
		}
	}
	var reply bytes.Buffer
	encoder := json.NewEncoder(&reply)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(&out); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(reply.Len()))
	_, _ = w.Write(reply.Bytes())
}

func main() {
	http.HandleFunc("/v1/batch", batch)
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
