-- Reads the record and the events since a position. Atomic, so that no event slips in unseen
-- between the two.
-- KEYS 1 job, 2 log, 3 shard
-- ARGV 1 epoch and 2 seq that the reader has ('' = none), 3 maximum events and 4 maximum bytes to
--      replay
-- Answers {epoch, seq, the record as a flat list, 'replay', the events after that position};
--      {epoch, seq, record, 'snapshot', {}} if the reader is too far behind, ahead, or from another
--      epoch; {epoch} if the job is not in Redis
local epoch = redis.call('HGET', KEYS[3], 'epoch') or ''
local record = redis.call('HGETALL', KEYS[1])
if #record == 0 then return {epoch} end

local since, top = tonumber(ARGV[2]), redis.call('LLEN', KEYS[2])
local snapshot = {epoch, top, record, 'snapshot', {}}
if ARGV[1] ~= epoch or not since then return snapshot end
if since > top or top - since > tonumber(ARGV[3]) then return snapshot end

local events, bytes = redis.call('LRANGE', KEYS[2], since, -1), 0
for _, event in ipairs(events) do bytes = bytes + #event end
if bytes > tonumber(ARGV[4]) then return snapshot end
return {epoch, top, record, 'replay', events}
