-- Prints what wrk measured as one line of JSON, percentiles that its own report leaves out included.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"count":%d,"seconds":%.6f,"p50_ms":%.3f,"p90_ms":%.3f,"p99_ms":%.3f,"p999_ms":%.3f,"errors":%d,"not_ok":%d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(90) / 1e3,
    latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3,
    errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end

-- BENCH_BODY: bytes of a POST body.
local bytes = tonumber(os.getenv("BENCH_BODY") or "0")
if bytes > 0 then
  wrk.method = "POST"
  wrk.body = string.rep("x", bytes)
  wrk.headers["Content-Type"] = "application/octet-stream"
end
