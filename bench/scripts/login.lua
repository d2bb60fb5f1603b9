-- Logs in as one known user after the other, each time with a new code. Arguments: how many users there are, a name for
-- this run, how many logins there were before: it goes on behind those.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "common.lua")

local headers = { ["Content-Type"] = "application/json" }
local document = "mutation($code: String!) { login(code: $code) { token refreshToken user { id } } }"
-- far from one user to the next, so that no part of the tables is warm because the last login was there
local step = 7919

function init(args)
  users, run, count = tonumber(args[1]), args[2], tonumber(args[3])
end

function request()
  count = count + 1
  local code = string.format("%d.%s.%d", count * step % users + 1, run, count)
  local body = string.format('{"query":"%s","variables":{"code":"%s"}}', document, code)
  return wrk.format("POST", "/graphql", headers, body)
end
