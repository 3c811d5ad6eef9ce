-- Deletes an ended job from Redis and from every list that shows it. Atomic, so that a live job is
-- never deleted and the lists, the counts and the announcement agree.
-- KEYS 1 as in shared.lua
-- ARGV 1 userId, 2 state it ended in (for a job that only the archive still had),
--      3 '1' = take it off the count of that state. Of several deleters, only the first does.
-- Answers 'deleted' or 'live'
local job = job_of(KEYS[1])
local tag, id = job.tag, job.id
local state = call('HGET', job.record, 'state')
if state == 'new' or state == 'running' then return 'live' end
local own_jobs = tag .. ':mine:' .. ARGV[1]
call('DEL', job.record, job.log, tag .. ':rows:' .. id, tag .. ':patches:' .. id)
call('ZREM', tag .. ':ended', id)
call('ZREM', own_jobs, id)
call('HINCRBY', tag .. ':tally', ARGV[3] ~= '' and 'deleted_' .. ARGV[2] or 'changed', 1)
local shard = call('HMGET', tag .. ':shard', 'epoch', 'sweeps')
local body = '|' .. (shard[1] or '') .. '|removed\n' .. id
call('PUBLISH', own_jobs, version_of(count_change(tag, ARGV[1]), shard[2]) .. body)
call('PUBLISH', tag .. ':feed', feed_version(tag) .. body)
call('PUBLISH', tag .. ':deleted:' .. id, '')
return 'deleted'
