-- Sends `me` with each token in turn. Argument: a file of tokens, one per line.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "common.lua")

function init(args)
  requests, last = {}, 0
  local body = '{"query":"{ me { id nickname avatarUrl createdAt } }"}'
  for token in io.lines(args[1]) do
    local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token }
    requests[#requests + 1] = wrk.format("POST", "/graphql", headers, body)
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end
