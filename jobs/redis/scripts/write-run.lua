-- Applies one write of a run: the rows, notes and progress gathered since the last one, and perhaps
-- the ending. It is numbered, so that a write that is resent after a reconnect is applied once, and
-- a run that was cancelled or overtaken changes nothing.
--   args 1 attempt, 2 n (1, 2, 3… within the attempt), 3 progress (JSON, '' = unchanged),
--        4 ending ('' = none), 5 message (JSON, '' = none), 6 stack ('' = none),
--        7 '1' = one of the events says why the attempt is over although the job goes on,
--        8… for each durable event: its type, its data, the number of rows in it; after a patch also
--        the number of rows it changes, and for each of them its index and its changed cells (JSON)
-- Answers 'applied' (also for a repeat of the last write), 'ended', 'overtaken', or 'rolled_back':
-- the store has lost writes of this run that it had acknowledged, so the job must start over
local function write(job, args)
  local before = call('HMGET', job.record, 'state', 'attempt', 'n', 'rowCount', 'userId', 'search')
  if not before[1] then return 'ended' end
  local attempt, current = tonumber(args[1]), tonumber(before[2] or 0)
  local n, last = tonumber(args[2]), tonumber(before[3] or 0)
  if attempt > 0 and attempt == current and n == last then return 'applied' end
  if before[1] ~= 'new' and before[1] ~= 'running' then return 'ended' end
  if attempt < current then return 'overtaken' end
  if before[1] == 'new' or attempt > current or n ~= last + 1 then return 'rolled_back' end

  local fields, events = {'n', args[2]}, {}
  local rows = tonumber(before[4] or 0)
  local rows_before = rows
  local counts, patches, i = {}, {}, 8
  while args[i] do
    events[#events + 1] = args[i] .. '|' .. now() .. '|' .. args[i + 1]
    counts[#counts + 1] = args[i + 2]
    local next = i + 3
    if args[i] == 'patch' then
      next = i + 4 + 2 * args[i + 3]
      for k = i + 4, next - 1 do patches[#patches + 1] = args[k] end
    end
    i = next
  end
  local top = 0
  if #events > 0 then top = call('RPUSH', job.log, unpack(events)) end
  for i, _ in ipairs(events) do
    local count = tonumber(counts[i])
    if count > 0 then
      call('ZADD', job.tag .. ':rows:' .. job.id, rows, top - #events + i)
      rows = rows + count
    end
  end

  local function set(field, value)
    fields[#fields + 1] = field
    fields[#fields + 1] = value
  end
  if rows > rows_before then set('rowCount', rows) end
  if #patches > 0 then
    call('HSET', job.tag .. ':patches:' .. job.id, unpack(patches))
    set('patched', '1')
  end
  if args[3] ~= '' then set('progress', args[3]) end
  if args[7] ~= '' then set('attemptOver', args[1]) end
  local ending = args[4]
  if ending ~= '' then
    set('state', ending)
    set('finishedAt', now())
    if args[5] ~= '' then set('message', args[5]) end
    if args[6] ~= '' then set('stack', args[6]) end
    finish(job, before[5], before[6], now())
  end
  call('HSET', job.record, unpack(fields))
  -- No progress follows an ending.
  local progress = ending == '' and args[3] ~= '' and args[3]
  changed(job, before[5], ending ~= '' and ending or 'changed', events, top, progress)
  return 'applied'
end
