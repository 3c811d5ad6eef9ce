-- Records that a worker process is alive and what it does, and forgets those that are silent for
-- too long. Announces when workers come or go.
-- KEYS 1 workers, also the channel
-- ARGV 1 name, 2 facts (JSON), 3 silence after which a worker is forgotten (ms)
local parts = redis.call('TIME')
local now = parts[1] * 1000 + math.floor(parts[2] / 1000)
local changed = redis.call('HSET', KEYS[1], ARGV[1], now .. '|' .. ARGV[2]) == 1
local workers = redis.call('HGETALL', KEYS[1])
for i = 1, #workers, 2 do
  local at = tonumber(string.match(workers[i + 1], '^(%d+)|'))
  if at < now - ARGV[3] then
    redis.call('HDEL', KEYS[1], workers[i])
    changed = true
  end
end
if changed then redis.call('PUBLISH', KEYS[1], '') end
