-- A page of the current attempt's rows. In one step, so that no attempt begins between looking up a row and reading it.
-- KEYS 1 job, 2 log, 3 rows
-- ARGV 1 index of the first row wanted, 2 how many
-- Answers {attempt, rowCount, [data of each rows event that holds some of them]} or {} when the job is not in Redis
local now = redis.call('HMGET', KEYS[1], 'attempt', 'rowCount')
if not now[1] then return {} end
local from, upto = tonumber(ARGV[1]), tonumber(ARGV[1]) + tonumber(ARGV[2])
local found = {}
local before = redis.call('ZREVRANGEBYSCORE', KEYS[3], from, '-inf', 'LIMIT', 0, 1)
if before[1] then
  local first = redis.call('ZSCORE', KEYS[3], before[1])
  for _, seq in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], first, '(' .. upto)) do
    found[#found + 1] = redis.call('XRANGE', KEYS[2], seq .. '-0', seq .. '-0')[1][2][4]
  end
end
return {now[1], now[2], found}
