-- Precedes every script that changes a job. KEYS[1] is the job's record, `{sl:0}:job:<id>`. All
-- other keys that the script touches share its hash tag, so their names are derived from it:
-- passing a key costs as much as a command. Below, `tag` is `{sl:0}`.
--   tag:job:<id>               hash: the record
--   tag:log:<id>               list: the job's durable events `type|data`; an event's seq is its
--                              position, from 1. Also the channel of the job
--   tag:rows:<id>              sorted set: seq of each rows event of this attempt, by the index of
--                              its first row
--   tag:lock:<owner>:<search>  string: the active job of this user and this type of search
--   tag:live                   sorted set: live jobs, by creation (ms)
--   tag:ended                  sorted set: ended jobs that are not archived yet, by the time (ms)
--                              from which an archiver may claim them
--   tag:mine:<owner>           sorted set: the owner's jobs that are not archived yet, by creation
--                              (ms). Also the channel of the owner's list
--   tag:feed                   channel of the admins' feed
--   tag:versions               hash: owner → number of changes of that owner's list
--   tag:tally                  hash: kind of change → number of such changes in this shard, ever.
--                              Every change raises one of them, so their sum is the version of the
--                              feed: created, started, cancelled_new and error_new (ended before
--                              starting), complete, error, cancelled, deleted_<state>, changed
--                              (anything else)
--   tag:shard                  hash: epoch and the replid it was made under; position of the
--                              reconcilers in tag:live
--   tag:control                channel that tells workers which job was ended from outside its run
-- Scripts pass JSON through and never build it. No stored value holds a line break, since JSON
-- escapes it, so a summary is its values joined by line breaks.

local call = redis.call
local TAG, ID = string.match(KEYS[1], '^({.-}):job:(.+)$')
local RECORD, LOG, TALLY = KEYS[1], TAG .. ':log:' .. ID, TAG .. ':tally'

-- The number of changes of any job in this shard.
local function feed_version()
  local version = 0
  for _, count in ipairs(call('HVALS', TALLY)) do version = version + count end
  return version
end

-- Counts a change of the job and announces it: the events on the job's channel, its summary on the
-- channels of the owner's list and of the feed. The change is counted even without subscribers,
-- because the counts show a list what it has missed. `change` is a field of the tally, `top` is the
-- seq of the last of `events`, `progress` is JSON, false or nil.
local function announce(owner, change, events, top, progress)
  local own_jobs, feed = TAG .. ':mine:' .. owner, TAG .. ':feed'
  local version = call('HINCRBY', TAG .. ':versions', owner, 1)
  call('HINCRBY', TALLY, change, 1)
  local subscribers = call('PUBSUB', 'NUMSUB', LOG, own_jobs, feed)
  local of_job, of_lists = subscribers[2], subscribers[4] + subscribers[6]
  if of_job + of_lists == 0 then return end

  local epoch = call('HGET', TAG .. ':shard', 'epoch') or ''
  if of_job > 0 then
    for i, event in ipairs(events) do
      call('PUBLISH', LOG, (top - #events + i) .. '|' .. epoch .. '|' .. event)
    end
    if progress then call('PUBLISH', LOG, '|' .. epoch .. '|progress|' .. progress) end
  end
  if of_lists > 0 then
    local values = call('HMGET', RECORD, 'userId', 'search', 'brief', 'state', 'message',
      'progress', 'rowCount', 'attempt', 'createdAt', 'startedAt', 'finishedAt')
    for i = 1, #values do values[i] = values[i] or '' end
    local summary = ID .. '\n' .. call('LLEN', LOG) .. '\n' .. table.concat(values, '\n')
    local body = '|' .. epoch .. '|changed\n' .. summary
    call('PUBLISH', own_jobs, version .. body)
    call('PUBLISH', feed, feed_version() .. body)
  end
end

-- Moves a job from the live to the ended ones, where archivers claim it, and frees its lock unless
-- another job holds it by now.
local function finish(owner, search, at)
  local lock = TAG .. ':lock:' .. owner .. ':' .. search
  if call('GET', lock) == ID then call('DEL', lock) end
  call('ZREM', TAG .. ':live', ID)
  call('ZADD', TAG .. ':ended', at, ID)
end
