-- The generic cell rate algorithm (GCRA) for several keys, all or none: returns 0 if all requests conform, else the
-- microseconds until the first rejected key conforms. A key stores the theoretical arrival time (TAT) of its next
-- request. Each key has two arguments, in microseconds: the emission interval, and how far the TAT may be ahead of the
-- present. The time is that of Redis, so that the clocks of the nodes need not agree.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local tat = {}

for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local stored = tonumber(redis.call('GET', key) or now)
  -- after the clock was set back or the limit was raised, nobody waits for longer than one emission interval
  tat[i] = math.min(math.max(stored, now), now + burst) + interval
  if tat[i] > now + burst then
    return tat[i] - now - burst
  end
end

for i, key in ipairs(KEYS) do
  -- a key expires at its TAT, from when on it has no effect
  redis.call('SET', key, string.format('%.0f', tat[i]), 'PX', math.ceil((tat[i] - now) / 1000))
end
return 0
