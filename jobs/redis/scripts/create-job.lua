-- Creates a job, unless its owner has an active one of that type or too many are waiting. Atomic,
-- so that exactly one of any number of simultaneous starts wins.
-- KEYS 1 as in shared.lua
-- ARGV 1 userId, 2 search, 3 brief (JSON), 4 input (JSON, '' = same as brief), 5 createdAt (ms),
--      6 state event, 7 maximum jobs waiting in this shard,
--      8 maximum jobs of one owner waiting ('' = no limit),
--      9 idempotency key ('' = none), 10 fingerprint of the request, 11 seconds to remember it
-- Answers {'created'}, also if this very id was created before (a resent command);
--      {'already_running', id}; {'replayed', id}; {'mismatch', id}; {'too_many_waiting'};
--      {'too_many_waiting_of_user'}
local owner, search = ARGV[1], ARGV[2]
if call('EXISTS', RECORD) == 1 then return {'created'} end

local idempotency = TAG .. ':idempotency:' .. owner .. ':' .. ARGV[9]
if ARGV[9] ~= '' then
  local before = call('HMGET', idempotency, 'id', 'fingerprint')
  if before[1] then
    return {before[2] == ARGV[10] and 'replayed' or 'mismatch', before[1]}
  end
end

local lock, own_jobs = TAG .. ':lock:' .. owner .. ':' .. search, TAG .. ':mine:' .. owner
if call('SETNX', lock, ID) == 0 then return {'already_running', call('GET', lock)} end

local function refuse(why)
  call('DEL', lock)
  return {why}
end
local max_waiting, max_of_owner = tonumber(ARGV[7]), tonumber(ARGV[8])
if call('ZCARD', TAG .. ':live') >= max_waiting then
  local tally = call('HMGET', TALLY, 'created', 'started', 'cancelled_new', 'error_new')
  local waiting = (tally[1] or 0) - (tally[2] or 0) - (tally[3] or 0) - (tally[4] or 0)
  if waiting >= max_waiting then return refuse('too_many_waiting') end
end
if max_of_owner and call('ZCARD', own_jobs) >= max_of_owner then
  local waiting = 0
  for _, id in ipairs(call('ZRANGE', own_jobs, 0, -1)) do
    if call('HGET', TAG .. ':job:' .. id, 'state') == 'new' then waiting = waiting + 1 end
  end
  if waiting >= max_of_owner then return refuse('too_many_waiting_of_user') end
end

call('HSET', RECORD, 'userId', owner, 'search', search, 'brief', ARGV[3], 'state', 'new',
  'createdAt', ARGV[5])
if ARGV[4] ~= '' then call('HSET', RECORD, 'input', ARGV[4]) end
call('ZADD', TAG .. ':live', ARGV[5], ID)
call('ZADD', own_jobs, ARGV[5], ID)
if ARGV[9] ~= '' then
  call('HSET', idempotency, 'id', ID, 'fingerprint', ARGV[10])
  call('EXPIRE', idempotency, ARGV[11])
end
local event = ARGV[6]
announce(owner, 'created', {event}, call('RPUSH', LOG, event))
return {'created'}
