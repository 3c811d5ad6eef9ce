-- Notes from outside why a job's attempt is over (its worker was lost; it waits for the next one). Atomic and guarded by what the caller has
-- read, so that no note follows an ending and each is told once.
-- KEYS 1 as in shared.lua
-- ARGV 1 attempt that the caller read, 2 note event that says why that attempt is over
-- Answers 'noted', 'changed', or 'told' where that was said before
local now = call('HMGET', RECORD, 'state', 'attempt', 'userId', 'attemptOver')
if (now[1] ~= 'new' and now[1] ~= 'running') or (now[2] or '0') ~= ARGV[1] then return 'changed' end
if now[4] == ARGV[1] then return 'told' end
call('HSET', RECORD, 'attemptOver', ARGV[1])
local item = ARGV[2]
announce(now[3], 'changed', {item}, call('RPUSH', LOG, item))
return 'noted'
