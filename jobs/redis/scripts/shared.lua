-- Stands in front of every script that changes a job. KEYS[1] is the job's record, `{sl:0}:job:<id>`; whatever else the script touches has
-- the same hash tag, so its name is made from that one (each key handed over costs as much as a command). Below, `tag` is `{sl:0}`.
--   tag:job:<id>                hash: the record
--   tag:log:<id>                list of its durable events `type|data`, so an event's seq is its place, from 1; also the channel of the job
--   tag:rows:<id>               sorted set: seq of each rows event of this attempt, by the index of its first row
--   tag:lock:<owner>:<search>   string: the job that is active for this user and this type of search
--   tag:live                    sorted set: live jobs, by creation (ms)
--   tag:ended                   sorted set: ended jobs that are not archived yet, by when an archiver may take them (ms)
--   tag:mine:<owner>            sorted set: the owner's jobs that are not archived, by creation (ms); also the channel of the owner's list
--   tag:feed                    channel of the admins' feed
--   tag:versions                hash: owner → how often that owner's list has changed
--   tag:tally                   hash: what has happened in this shard → how often, since the beginning. Every change raises one of these, so
--                               their sum is the version of everybody's list: created, started, cancelled_new and error_new (ended before
--                               they started), complete, error, cancelled, deleted_<state>, changed (anything else)
--   tag:shard                   hash: epoch, and what it was made under; how far the reconcilers have come
--   tag:control                 channel on which workers hear that a job was ended by somebody else
-- JSON is passed through and never built here. No stored value holds a line break (JSON escapes them), so a summary is its values
-- joined by line breaks.

local call = redis.call
local TAG, ID = string.match(KEYS[1], '^({.-}):job:(.+)$')
local RECORD, LOG, TALLY = KEYS[1], TAG .. ':log:' .. ID, TAG .. ':tally'

-- How often everybody's list has changed.
local function feed_version()
  local version = 0
  for _, count in ipairs(call('HVALS', TALLY)) do version = version + count end
  return version
end

-- Tells those who listen: events to those who watch the job, the record as it is now to the owner's list and to the feed. What has
-- happened is counted whether anybody listens or not: by the counts a list finds out what it has missed.
local function announce(owner, what, items, top, progress)
  local mine, feed = TAG .. ':mine:' .. owner, TAG .. ':feed'
  local version = call('HINCRBY', TAG .. ':versions', owner, 1)
  call('HINCRBY', TALLY, what, 1)
  local listeners = call('PUBSUB', 'NUMSUB', LOG, mine, feed)
  if listeners[2] + listeners[4] + listeners[6] == 0 then return end

  local epoch = call('HGET', TAG .. ':shard', 'epoch') or ''
  if listeners[2] > 0 then
    for i, item in ipairs(items) do call('PUBLISH', LOG, (top - #items + i) .. '|' .. epoch .. '|' .. item) end
    if progress then call('PUBLISH', LOG, '|' .. epoch .. '|progress|' .. progress) end
  end
  if listeners[4] + listeners[6] > 0 then
    local values = call('HMGET', RECORD, 'userId', 'search', 'brief', 'state', 'message', 'progress', 'rowCount', 'attempt', 'createdAt',
      'startedAt', 'finishedAt')
    for i = 1, #values do values[i] = values[i] or '' end
    local body = '|' .. epoch .. '|changed\n' .. ID .. '\n' .. call('LLEN', LOG) .. '\n' .. table.concat(values, '\n')
    call('PUBLISH', mine, version .. body)
    call('PUBLISH', feed, feed_version() .. body)
  end
end

-- Takes a live job out of the running: frees its lock if it is still its own, and hands it to the archivers.
local function finish(owner, search, at)
  local lock = TAG .. ':lock:' .. owner .. ':' .. search
  if call('GET', lock) == ID then call('DEL', lock) end
  call('ZREM', TAG .. ':live', ID)
  call('ZADD', TAG .. ':ended', at, ID)
end
