-- Logs in as each user in turn, each time with a new code. Arguments: `known`, `device` or `new`; the number of users;
-- a name for this run; the number of the first login.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "common.lua")

local headers = { ["Content-Type"] = "application/json" }
local answer = "{ token refreshToken user { id } }"
local plain = '{"query":"mutation($code: String!) { login(code: $code) ' .. answer .. ' }","variables":{"code":"%s"}}'
local from_device = '{"query":"mutation($code: String!, $device: DeviceInput) { login(code: $code, device: $device) '
  .. answer .. ' }","variables":{"code":"%s","device":{"id":"phone"}}}'
-- a large step between users, so that consecutive logins use different pages of the tables
local step = 7919

function init(args)
  kind, users, run, count = args[1], tonumber(args[2]), args[3], tonumber(args[4])
end

function request()
  count = count + 1
  local user = kind == "new" and string.format("%s_%d", run, count) or tostring(count * step % users + 1)
  local code = string.format("%s.%s.%d", user, run, count)
  return wrk.format("POST", "/graphql", headers, string.format(kind == "device" and from_device or plain, code))
end
