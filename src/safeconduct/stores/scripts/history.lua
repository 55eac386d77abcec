-- Behind shard.lua, before every script on a shard: whether its data went back in time.  What is rare stands here
-- without functions of its own: every request would pay for making them.
if fields[1] then
  if run ~= '' and run ~= fields[10] then
    -- A connection that has not heard of the latest run yet draws no line; it asks, and says so.
    if run == fields[11] and is_confirmed ~= '1' then
      is_old_run = 1
    else
      -- Another process of the server has the data now.  What it has of the old line ends here; 64 such ends are kept.
      local lines, changes = redis.call('HGET', meta, 'lines') or '', {}
      if fields[9] then
        changes = {'next:' .. fields[9], fields[8] or '0-0'}
        lines = lines .. fields[9]
      end
      local oldest = #lines > 64 * 16 and string.sub(lines, 1, 16)
      lines = oldest and string.sub(lines, 17) or lines
      for _, word in ipairs({'lines', lines, 'line', drawn, 'run', run, 'run_before', fields[10] or ''}) do
        changes[#changes + 1] = word
      end
      -- May fail for want of memory: then the line is drawn later, and the log tells what is missing.
      if type(redis.pcall('HSET', meta, unpack(changes))) == 'number' then
        fields[9] = drawn
        if oldest then
          redis.call('HDEL', meta, 'next:' .. oldest)
        end
      end
      -- Without a file of its changes, a server that began after all that is in the data read it from a snapshot.  The
      -- log's instants are not shifted.
      local head_ms = tonumber(string.match(fields[8] or '0-0', '^%d+')) + tonumber(ARGV[1])
      local newest = math.max(stamped, head_ms, tonumber(fields[2]), tonumber(fields[12] or 0))
      local is_first = not fields[10] or fields[10] == ''
      if has_aof ~= '1' and not is_first and tonumber(run_began) + tonumber(ARGV[1]) >= newest then
        lose('restart', 0)
      end
    end
  end
  local head = fields[8] or '0-0'
  if asked_epoch == fields[1] and asked_line ~= '' and (asked_line ~= fields[9] or asked_head ~= head) then
    -- The caller knows a change, and the data may not have it.
    local function is_before(first, second)
      local first_ms, first_number = string.match(first, '^(%d+)%-(%d+)$')
      local second_ms, second_number = string.match(second, '^(%d+)%-(%d+)$')
      first_ms, second_ms = tonumber(first_ms), tonumber(second_ms)
      return first_ms < second_ms or (first_ms == second_ms and tonumber(first_number) < tonumber(second_number))
    end
    local is_set_back = false
    if asked_line ~= fields[9] then
      local left_at = redis.call('HGET', meta, 'next:' .. asked_line)
      is_set_back = not left_at or is_before(left_at, asked_head)
    elseif asked_head ~= '0-0' and #redis.call('XRANGE', log, asked_head, asked_head) == 0 then
      local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
      -- An older change than all that are there may have been trimmed, if anything was.
      is_set_back = not first or not is_before(asked_head, first[1]) or first[2][2] == '0-0'
    end
    if is_set_back then
      lose('mark', 0)
    end
  end
  if asked_tag ~= '' and asked_issued ~= '' then
    weigh(asked_tag, tonumber(asked_issued))
  end
end
