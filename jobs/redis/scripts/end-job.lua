-- Ends a job from outside its run: a user cancels it, or the reconciler finds it lost. Atomic and
-- guarded by what the caller has read, so that the first ending wins and no caller ends an attempt
-- that began meanwhile.
-- KEYS 1 as in shared.lua
-- ARGV 1 state and 2 attempt that the caller read, 3 ending, 4 message (JSON), 5 data of the state
--      event
-- Answers 'ended', 'changed' (read it again) or 'gone'
local job = job_of(KEYS[1])
local before = call('HMGET', job.record, 'state', 'attempt', 'userId', 'search')
local state, owner = before[1], before[3]
if not state then return 'gone' end
local live = state == 'new' or state == 'running'
if not live or state ~= ARGV[1] or (before[2] or '0') ~= ARGV[2] then return 'changed' end

local ending = ARGV[3]
call('HSET', job.record, 'state', ending, 'message', ARGV[4], 'finishedAt', now())
finish(job, owner, before[4], now())
local event, top = log(job, 'state', ARGV[5])
local kind = state == 'new' and ending .. '_new' or ending
changed(job, owner, kind, {event}, top, nil, state == 'new' and before[4])
announce()
call('PUBLISH', job.tag .. ':control', job.id)
return 'ended'
