-- Adds a note to a live job from outside its run (a worker was lost, it waits for the next attempt). Atomic and guarded by what the
-- caller has read, so that no note follows an ending.
-- KEYS 1 as in shared.lua
-- ARGV 1 attempt that the caller read, 2 note event
-- Answers 'noted' or 'changed'
local now = call('HMGET', RECORD, 'state', 'attempt', 'userId')
if (now[1] ~= 'new' and now[1] ~= 'running') or (now[2] or '0') ~= ARGV[1] then return 'changed' end
local item = ARGV[2]
announce(now[3], 'changed', {item}, call('RPUSH', LOG, item))
return 'noted'
