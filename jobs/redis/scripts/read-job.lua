-- The record and what happened since a position, in one step: between two commands an event could slip in unseen.
-- KEYS 1 job, 2 log, 3 epoch
-- ARGV 1 epoch and 2 seq that the reader has ('' = nothing), 3 most events, 4 most bytes to replay
-- Answers {epoch, the record as a flat list, 'replay', [seq, type, data, …]}; {epoch, record, 'snapshot', []} where the reader is too
-- far behind, ahead, or from another epoch; {epoch, []} when the job is not in Redis
local epoch = redis.call('GET', KEYS[3]) or ''
local record = redis.call('HGETALL', KEYS[1])
if #record == 0 then return {epoch, {}} end

local since, top = tonumber(ARGV[2]), tonumber(redis.call('HGET', KEYS[1], 'seq'))
if ARGV[1] ~= epoch or not since or since > top or top - since > tonumber(ARGV[3]) then return {epoch, record, 'snapshot', {}} end

local events, bytes = {}, 0
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], (since + 1) .. '-0', '+')) do
  local data = entry[2][4]
  bytes = bytes + #data
  if bytes > tonumber(ARGV[4]) then return {epoch, record, 'snapshot', {}} end
  events[#events + 1] = string.match(entry[1], '^%d+')
  events[#events + 1] = entry[2][2]
  events[#events + 1] = data
end
return {epoch, record, 'replay', events}
