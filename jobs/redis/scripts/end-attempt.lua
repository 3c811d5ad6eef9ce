-- Notes from outside its run why a job's attempt is over although the job goes on: its worker was
-- lost, and the job waits for the next one. Atomic and guarded by what the caller has read, so that
-- no note follows an ending and each is added once.
-- KEYS 1 as in shared.lua
-- ARGV 1 attempt that the caller read, 2 note event that says why that attempt is over
-- Answers 'noted', 'changed' (read it again) or 'already_noted'
local now = call('HMGET', RECORD, 'state', 'attempt', 'userId', 'attemptOver')
local live = now[1] == 'new' or now[1] == 'running'
if not live or (now[2] or '0') ~= ARGV[1] then return 'changed' end
if now[4] == ARGV[1] then return 'already_noted' end
call('HSET', RECORD, 'attemptOver', ARGV[1])
local event = ARGV[2]
announce(now[3], 'changed', {event}, call('RPUSH', LOG, event))
return 'noted'
