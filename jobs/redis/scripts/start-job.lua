-- Starts an attempt and raises the fence: from here on only this attempt may write. Atomic, so that of two workers that hold
-- the same job the one with the later delivery wins, whichever wakes up first.
-- KEYS 1…12 as in shared.lua
-- ARGV 1 delivery (BullMQ's attemptsStarted), 2 lock token, 3 startedAt (ISO), 4 state event (JSON)
-- Answers {'started', epoch, the record as a flat list}; the same delivery and token get it again. Else {'refused'} or {'gone'}
local now = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'token', 'startedAt')
local state, attempt, token = now[1], tonumber(now[2]), now[3]
if not state then return {'gone'} end
local delivery = tonumber(ARGV[1])

if state ~= 'new' and state ~= 'running' then return {'refused'} end
if delivery == attempt and token == ARGV[2] then return {'started', epoch, redis.call('HGETALL', KEYS[1])} end
if delivery <= attempt then return {'refused'} end

redis.call('HSET', KEYS[1], 'state', 'running', 'attempt', delivery, 'token', ARGV[2], 'n', 0,
  'progress', '', 'rowCount', 0, 'startedAt', now[4] ~= '' and now[4] or ARGV[3])
redis.call('DEL', KEYS[3])
if state == 'new' then
  redis.call('HINCRBY', KEYS[10], 'new', -1)
  redis.call('HINCRBY', KEYS[10], 'running', 1)
end
append('state', ARGV[4])
announce()
return {'started', epoch, redis.call('HGETALL', KEYS[1])}
