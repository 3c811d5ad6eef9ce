-- Finds the places of jobs in a queue. Atomic, so that no job moves while others are counted.
-- KEYS 1 BullMQ's wait list, 2 its meta hash
-- ARGV 1 number of jobs to look at from the front, 2… ids
-- Answers {1 if paused, for each id: the number of jobs ahead of it; -1 if there are at least as
-- many as were looked at, or it is not in the list}
local length = redis.call('LLEN', KEYS[1])
local places = {redis.call('HEXISTS', KEYS[2], 'paused')}
for i = 2, #ARGV do
  -- Jobs are added at the left and taken at the right.
  local index = redis.call('LPOS', KEYS[1], ARGV[i], 'RANK', -1, 'MAXLEN', ARGV[1])
  places[i] = index and length - 1 - index or -1
end
return places
