-- Ends a job from outside its run: a user cancels it, the reconciler finds it lost. Atomic and guarded by what the caller has read, so
-- that the first ending wins and nobody ends an attempt that began meanwhile.
-- KEYS 1 as in shared.lua
-- ARGV 1 state and 2 attempt that the caller read, 3 ending, 4 message (JSON), 5 finishedAt (ms), 6 state event
-- Answers 'ended', 'changed' (read it again) or 'gone'
local now = call('HMGET', RECORD, 'state', 'attempt', 'userId', 'search')
local state = now[1]
if not state then return 'gone' end
if state ~= ARGV[1] or (now[2] or '0') ~= ARGV[2] or (state ~= 'new' and state ~= 'running') then return 'changed' end

call('HSET', RECORD, 'state', ARGV[3], 'message', ARGV[4], 'finishedAt', ARGV[5])
finish(now[3], now[4], ARGV[5])
local item = ARGV[6]
announce(now[3], state == 'new' and ARGV[3] .. '_new' or ARGV[3], {item}, call('RPUSH', LOG, item))
call('PUBLISH', TAG .. ':control', ID)
return 'ended'
