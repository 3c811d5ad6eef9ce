-- Creates a job, unless its owner has one of that type running or too much is waiting. Atomic, so that of any number of simultaneous
-- starts exactly one wins.
-- KEYS 1 as in shared.lua
-- ARGV 1 userId, 2 search, 3 brief (JSON), 4 input (JSON, '' = the brief is all of it), 5 createdAt (ms), 6 state event,
--      7 most jobs that may wait in this shard, 8 most that may wait of one owner ('' = any number),
--      9 idempotency key ('' = none), 10 fingerprint of the request, 11 seconds to remember it
-- Answers {'created'}, also when this very id was created before (a re-sent command); {'already_running', id}; {'replayed', id};
--      {'mismatch', id}; {'too_many_waiting'}; {'too_many_waiting_of_user'}
local owner, search = ARGV[1], ARGV[2]
if call('EXISTS', RECORD) == 1 then return {'created'} end

local idempotency = TAG .. ':idempotency:' .. owner .. ':' .. ARGV[9]
if ARGV[9] ~= '' then
  local before = call('HMGET', idempotency, 'id', 'fingerprint')
  if before[1] then return {before[2] == ARGV[10] and 'replayed' or 'mismatch', before[1]} end
end

local lock, mine = TAG .. ':lock:' .. owner .. ':' .. search, TAG .. ':mine:' .. owner
if call('SETNX', lock, ID) == 0 then return {'already_running', call('GET', lock)} end

local function refuse(why)
  call('DEL', lock)
  return {why}
end
local most, most_of_owner = tonumber(ARGV[7]), tonumber(ARGV[8])
if call('ZCARD', TAG .. ':live') >= most then
  local so_far = call('HMGET', TALLY, 'created', 'started', 'cancelled_new', 'error_new')
  local waiting = (so_far[1] or 0) - (so_far[2] or 0) - (so_far[3] or 0) - (so_far[4] or 0)
  if waiting >= most then return refuse('too_many_waiting') end
end
if most_of_owner and call('ZCARD', mine) >= most_of_owner then
  local waiting = 0
  for _, id in ipairs(call('ZRANGE', mine, 0, -1)) do
    if call('HGET', TAG .. ':job:' .. id, 'state') == 'new' then waiting = waiting + 1 end
  end
  if waiting >= most_of_owner then return refuse('too_many_waiting_of_user') end
end

call('HSET', RECORD, 'userId', owner, 'search', search, 'brief', ARGV[3], 'state', 'new', 'createdAt', ARGV[5])
if ARGV[4] ~= '' then call('HSET', RECORD, 'input', ARGV[4]) end
call('ZADD', TAG .. ':live', ARGV[5], ID)
call('ZADD', mine, ARGV[5], ID)
if ARGV[9] ~= '' then
  call('HSET', idempotency, 'id', ID, 'fingerprint', ARGV[10])
  call('EXPIRE', idempotency, ARGV[11])
end
local item = ARGV[6]
announce(owner, 'created', {item}, call('RPUSH', LOG, item))
return {'created'}
