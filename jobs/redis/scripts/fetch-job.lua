-- Lets a worker that is idle take the next job of a queue. Atomic, so that no job is active in the
-- queue without being started in its record.
-- KEYS 1 prefix of the queue's keys
-- ARGV 1 how long its lock lasts (ms), 2 lock token, 3 worker, 4 and 5 head and tail of the state
--      event's data
-- Answers {what BullMQ's moveToActive answers, answer of start-attempt.lua or '', now (ms)}
local queue = KEYS[1]
local tag = string.match(queue, '^({.-}):')
local fetched, answer = take(tag, queue, ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
announce()
return {fetched, answer or '', tonumber(now())}
