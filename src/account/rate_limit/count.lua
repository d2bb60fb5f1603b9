-- One step of GCRA for each key, all of them or none: returns 0 where all have room, else how many microseconds to wait
-- for the first that has none. A key holds the moment by which what was counted is paid off. For each key there are two
-- arguments, in microseconds: what one count costs, and how far ahead of the present a key may get. The time is Redis's
-- own, so that it does not matter how the clocks of the nodes go.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local paid = {}

for i, key in ipairs(KEYS) do
  local each, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local before = tonumber(redis.call('GET', key) or now)
  -- a clock that was set back, or a limit that was made wider, shuts nobody out for longer than one count costs
  paid[i] = math.min(math.max(before, now), now + burst) + each
  if paid[i] > now + burst then
    return paid[i] - now - burst
  end
end

for i, key in ipairs(KEYS) do
  -- once it is paid off, a key says nothing
  redis.call('SET', key, string.format('%.0f', paid[i]), 'PX', math.ceil((paid[i] - now) / 1000))
end
return 0
