-- Creates a job, unless its owner has one of that type running. Atomic, so that of any number of simultaneous starts exactly one wins.
-- KEYS 1…12 as in shared.lua; 13 = what this owner's idempotency key led to before
-- ARGV 1 id, 2 userId, 3 search, 4 input (JSON), 5 brief (JSON), 6 createdAt (ISO), 7 the same in ms, 8 state event (JSON),
--      9 fingerprint of the request ('' = no idempotency key), 10 seconds to remember it
-- Answers {'created'}, also when this very id was created before (a re-sent command); {'already_running', id};
--      {'replayed', id}; {'mismatch', id}
local id = ARGV[1]
if redis.call('EXISTS', KEYS[1]) == 1 then return {'created'} end

if ARGV[9] ~= '' then
  local before = redis.call('HMGET', KEYS[13], 'id', 'fingerprint')
  if before[1] then
    return {before[2] == ARGV[9] and 'replayed' or 'mismatch', before[1]}
  end
end

if not redis.call('SET', KEYS[4], id, 'NX') then return {'already_running', redis.call('GET', KEYS[4])} end

redis.call('HSET', KEYS[1],
  'id', id, 'userId', ARGV[2], 'search', ARGV[3], 'input', ARGV[4], 'brief', ARGV[5],
  'state', 'new', 'message', '', 'progress', '', 'rowCount', 0, 'attempt', 0, 'seq', 0,
  'createdAt', ARGV[6], 'startedAt', '', 'finishedAt', '', 'token', '', 'n', 0, 'enqueued', 1)
redis.call('ZADD', KEYS[5], ARGV[7], id)
redis.call('ZADD', KEYS[7], ARGV[7], id)
redis.call('ZADD', KEYS[8], ARGV[7], id)
redis.call('HINCRBY', KEYS[10], 'new', 1)
if ARGV[9] ~= '' then
  redis.call('HSET', KEYS[13], 'id', id, 'fingerprint', ARGV[9])
  redis.call('EXPIRE', KEYS[13], ARGV[10])
end
append('state', ARGV[8])
announce()
return {'created'}
