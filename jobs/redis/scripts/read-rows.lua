-- A page of the current attempt's rows. In one step, so that no attempt begins between looking up a row and reading it.
-- KEYS 1 job, 2 log, 3 rows
-- ARGV 1 index of the first row wanted, 2 how many
-- Answers {attempt, rowCount, the events from the first to the last that hold some of them} or {} when the job is not in Redis
local now = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'rowCount')
if not now[1] then return {} end
local from, upto = tonumber(ARGV[1]), tonumber(ARGV[1]) + tonumber(ARGV[2])
local events = {}
local first = redis.call('ZREVRANGEBYSCORE', KEYS[3], from, '-inf', 'LIMIT', 0, 1)[1]
local last = redis.call('ZREVRANGEBYSCORE', KEYS[3], '(' .. upto, '-inf', 'LIMIT', 0, 1)[1]
if first and from < tonumber(now[3] or 0) then events = redis.call('LRANGE', KEYS[2], first - 1, last - 1) end
return {now[2] or '0', now[3] or '0', events}
