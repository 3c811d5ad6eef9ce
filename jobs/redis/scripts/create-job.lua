-- Creates a job and adds it to its queue, unless its owner has an active one of that type or too
-- many are waiting. Atomic, so that exactly one of any number of simultaneous starts wins, and no
-- job has a record without an entry in the queue.
-- KEYS 1 as in shared.lua
-- ARGV 1 userId, 2 search, 3 brief (JSON), 4 input (JSON, '' = same as brief), 5 createdAt (ms,
--      '' = now), 6 data of the state event, 7 maximum jobs waiting in this shard,
--      8 maximum jobs of one owner waiting ('' = no limit),
--      9 idempotency key ('' = none), 10 fingerprint of the request, 11 seconds to remember it,
--      12 data and 13 options (JSON) of the queue entry
-- Answers {'created', createdAt (ms)}, also if this very id was created before (a resent command);
--      {'already_running', id}; {'replayed', id}; {'mismatch', id}; {'too_many_waiting'};
--      {'too_many_waiting_of_user'}
local job = job_of(KEYS[1])
local tag, id, owner, search = job.tag, job.id, ARGV[1], ARGV[2]
local existing = call('HGET', job.record, 'createdAt')
if existing then return {'created', existing} end

local idempotency = tag .. ':idempotency:' .. owner .. ':' .. ARGV[9]
if ARGV[9] ~= '' then
  local before = call('HMGET', idempotency, 'id', 'fingerprint')
  if before[1] then
    return {before[2] == ARGV[10] and 'replayed' or 'mismatch', before[1]}
  end
end

local lock, own_jobs = tag .. ':lock:' .. owner .. ':' .. search, tag .. ':mine:' .. owner
if call('SETNX', lock, id) == 0 then return {'already_running', call('GET', lock)} end

local function refuse(why)
  call('DEL', lock)
  return {why}
end
local max_waiting, max_of_owner = tonumber(ARGV[7]), tonumber(ARGV[8])
if call('ZCARD', tag .. ':live') >= max_waiting then
  local tally = call('HMGET', tag .. ':tally', 'created', 'started', 'cancelled_new', 'error_new')
  local waiting = (tally[1] or 0) - (tally[2] or 0) - (tally[3] or 0) - (tally[4] or 0)
  if waiting >= max_waiting then return refuse('too_many_waiting') end
end
if max_of_owner and call('ZCARD', own_jobs) >= max_of_owner then
  local waiting = 0
  for _, own_id in ipairs(call('ZRANGE', own_jobs, 0, -1)) do
    if call('HGET', tag .. ':job:' .. own_id, 'state') == 'new' then waiting = waiting + 1 end
  end
  if waiting >= max_of_owner then return refuse('too_many_waiting_of_user') end
end

local created_at = ARGV[5] ~= '' and ARGV[5] or now()
local fields = {'userId', owner, 'search', search, 'brief', ARGV[3], 'state', 'new', 'createdAt',
  created_at}
if ARGV[4] ~= '' then
  fields[#fields + 1] = 'input'
  fields[#fields + 1] = ARGV[4]
end
call('HSET', job.record, unpack(fields))
call('ZADD', tag .. ':live', created_at, id)
call('ZADD', own_jobs, created_at, id)
if ARGV[9] ~= '' then
  call('HSET', idempotency, 'id', id, 'fingerprint', ARGV[10])
  call('EXPIRE', idempotency, ARGV[11])
end

add_entry(tag .. ':bull:' .. search .. ':', id, search, ARGV[12], ARGV[13])
local event, top = log(job, 'state', ARGV[6])
changed(job, owner, 'created', {event}, top)
announce()
return {'created', created_at}
