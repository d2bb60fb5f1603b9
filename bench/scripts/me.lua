-- Sends `me` with one token after the other. Arguments: the folder of the scripts, a file of tokens, a line each.
function init(args)
  dofile(args[1] .. "/common.lua")
  requests, last = {}, 0
  local body = '{"query":"{ me { id nickname avatarUrl createdAt } }"}'
  for token in io.lines(args[2]) do
    local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token }
    requests[#requests + 1] = wrk.format("POST", "/graphql", headers, body)
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end
