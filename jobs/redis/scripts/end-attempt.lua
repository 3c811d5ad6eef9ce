-- Notes from outside its run why a job's attempt is over although the job goes on: its worker was
-- lost, and the job waits for the next one. Atomic and guarded by what the caller has read, so that
-- no note follows an ending and each is added once.
-- KEYS 1 as in shared.lua
-- ARGV 1 attempt that the caller read, 2 data of the note that says why that attempt is over
-- Answers 'noted', 'changed' (read it again) or 'already_noted'
local job = job_of(KEYS[1])
local before = call('HMGET', job.record, 'state', 'attempt', 'userId', 'attemptOver')
local live = before[1] == 'new' or before[1] == 'running'
if not live or (before[2] or '0') ~= ARGV[1] then return 'changed' end
if before[4] == ARGV[1] then return 'already_noted' end
call('HSET', job.record, 'attemptOver', ARGV[1])
local event, top = log(job, 'note', ARGV[2])
changed(job, before[3], 'changed', {event}, top)
announce()
return 'noted'
