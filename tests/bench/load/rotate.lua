-- Asks for one path, as a browser does, with each line of a file in turn as the value of one header.
--
--     wrk -s rotate.lua URL -- PATH HOST HEADER COOKIES FILE

local browser = {
  ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  ["Accept-Language"] = "en-GB,en;q=0.8,de;q=0.5",
  ["Accept-Encoding"] = "gzip, deflate, br",
}
local requests = {}
local last = 0

function init(arguments)
  local path, host, header, cookies, file = unpack(arguments)
  browser["Host"] = host
  browser["Cookie"] = cookies
  for line in io.lines(file) do
    browser[header] = line
    requests[#requests + 1] = wrk.format("GET", path, browser)
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"bytes":%d,"micros":%d,"p50":%d,"p99":%d,"errors":%d}\n',
    summary.requests, summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
