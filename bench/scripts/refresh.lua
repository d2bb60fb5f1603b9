-- Refreshes each session in turn with its newest token. Argument: a file of refresh tokens, one per line. At the end it
-- contains the unused ones.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "common.lua")

local headers = { ["Content-Type"] = "application/json" }
local query = "mutation($token: String!) { refreshSession(refreshToken: $token) { token refreshToken } }"
local count_wrong, setup_thread, print_result = response, setup, done

function setup(thread)
  setup_thread(thread)
  only = thread
end

function add(token)
  last = last + 1
  tokens[last] = token
end

function init(args)
  file, tokens, first, last = args[1], {}, 1, 0
  for token in io.lines(file) do add(token) end
end

function request()
  local token = tokens[first]
  tokens[first] = nil
  first = first + 1
  local body = string.format('{"query":"%s","variables":{"token":"%s"}}', query, token)
  return wrk.format("POST", "/graphql", headers, body)
end

function response(status, response_headers, body)
  count_wrong(status, response_headers, body)
  local token = body:match('"refreshToken":"([^"]+)"')
  if token then add(token) end
end

function done(summary, latency)
  local out = io.open(only:get("file"), "w")
  for _, token in pairs(only:get("tokens")) do out:write(token, "\n") end
  out:close()
  print_result(summary, latency)
end
