-- Reads a page of the current attempt's rows. Atomic, so that no new attempt begins between finding
-- the rows and reading them.
-- KEYS 1 job, 2 log, 3 rows
-- ARGV 1 index of the first row, 2 number of rows
-- Answers {attempt, rowCount, the events that hold these rows}, or {} if the job is not in Redis
local now = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'rowCount')
if not now[1] then return {} end
local from = tonumber(ARGV[1])
local to = from + tonumber(ARGV[2])
local first = redis.call('ZREVRANGEBYSCORE', KEYS[3], from, '-inf', 'LIMIT', 0, 1)[1]
local last = redis.call('ZREVRANGEBYSCORE', KEYS[3], '(' .. to, '-inf', 'LIMIT', 0, 1)[1]
local events = {}
if first and from < tonumber(now[3] or 0) then
  events = redis.call('LRANGE', KEYS[2], first - 1, last - 1)
end
return {now[2] or '0', now[3] or '0', events}
