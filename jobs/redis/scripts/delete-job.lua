-- Deletes an ended job from Redis and from every list that shows it. Atomic, so that a live job is
-- never deleted and the lists, the counts and the announcement agree.
-- KEYS 1 as in shared.lua
-- ARGV 1 userId, 2 state it ended in (for a job that only the archive still had),
--      3 '1' = take it off the count of that state. Of several deleters, only the first does.
-- Answers 'deleted' or 'live'
local state = call('HGET', RECORD, 'state')
if state == 'new' or state == 'running' then return 'live' end
local own_jobs = TAG .. ':mine:' .. ARGV[1]
call('DEL', RECORD, LOG, TAG .. ':rows:' .. ID)
call('ZREM', TAG .. ':ended', ID)
call('ZREM', own_jobs, ID)
call('HINCRBY', TALLY, ARGV[3] ~= '' and 'deleted_' .. ARGV[2] or 'changed', 1)
local body = '|' .. (call('HGET', TAG .. ':shard', 'epoch') or '') .. '|removed\n' .. ID
call('PUBLISH', own_jobs, call('HINCRBY', TAG .. ':versions', ARGV[1], 1) .. body)
call('PUBLISH', TAG .. ':feed', feed_version() .. body)
call('PUBLISH', TAG .. ':deleted:' .. ID, '')
return 'deleted'
