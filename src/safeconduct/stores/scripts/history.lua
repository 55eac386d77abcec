-- Prepended to every script on a shard, after shard.lua: check whether the data was set back to an earlier state.  Rare
-- cases have no functions of their own, because every request would pay for creating those.
if fields[1] then
  if not fields[13] then
    -- Earlier versions did not store it.  If this fails for lack of memory, a later script does it.
    redis.pcall('HSET', meta, 'shards', shards)
  end
  -- Each set has a member that nothing removes.  Where it is missing, the set was evicted or deleted with all that it
  -- revoked.  The epoch is written first: if that fails for lack of memory, the next script finds the same.
  if not (redis.call('ZSCORE', rev, '') and redis.call('ZSCORE', cut, '')) then
    begin_lost_epoch('empty', 0)
    redis.call('ZADD', rev, '-inf', '')
    redis.call('ZADD', cut, '-inf', '')
  end
  if run ~= '' and run ~= fields[10] then
    -- A connection that does not know the latest run yet begins no line; its client asks the server, and says so.
    if run == fields[11] and is_confirmed ~= '1' then
      is_old_run = 1
    else
      -- Another run of the server has the data now, and the old line ends here; the last 64 such ends are kept.
      local lines, changes = redis.call('HGET', meta, 'lines') or '', {}
      if fields[9] then
        changes = {'next:' .. fields[9], fields[8] or '0-0'}
        lines = lines .. fields[9]
      end
      local oldest = #lines > 64 * 16 and string.sub(lines, 1, 16)
      lines = oldest and string.sub(lines, 17) or lines
      for _, word in ipairs({'lines', lines, 'line', random, 'run', run, 'run_before', fields[10] or ''}) do
        changes[#changes + 1] = word
      end
      -- May fail for lack of memory: then the line begins later, and the log shows what is missing.
      if type(redis.pcall('HSET', meta, unpack(changes))) == 'number' then
        fields[9] = random
        if oldest then
          redis.call('HDEL', meta, 'next:' .. oldest)
        end
      end
      -- Without an append-only file, a server that started after the newest change loaded the data from a snapshot.
      -- The log's instants are not shifted.
      local head_ms = tonumber(string.match(fields[8] or '0-0', '^%d+')) + tonumber(ARGV[1])
      local newest = math.max(last_issued, head_ms, tonumber(fields[2]), tonumber(fields[12] or 0))
      local is_first = not fields[10] or fields[10] == ''
      if has_aof ~= '1' and not is_first and tonumber(run_began) + tonumber(ARGV[1]) >= newest then
        begin_lost_epoch('restart', 0)
      end
    end
  end
  local head = fields[8] or '0-0'
  if known_epoch == fields[1] and known_line ~= '' and (known_line ~= fields[9] or known_head ~= head) then
    -- The caller knows a change that the data may not have.
    local function is_before(first, second)
      local first_ms, first_number = string.match(first, '^(%d+)%-(%d+)$')
      local second_ms, second_number = string.match(second, '^(%d+)%-(%d+)$')
      first_ms, second_ms = tonumber(first_ms), tonumber(second_ms)
      return first_ms < second_ms or (first_ms == second_ms and tonumber(first_number) < tonumber(second_number))
    end
    local is_set_back = false
    if known_line ~= fields[9] then
      local left_at = redis.call('HGET', meta, 'next:' .. known_line)
      is_set_back = not left_at or is_before(left_at, known_head)
    elseif known_head ~= '0-0' and #redis.call('XRANGE', log, known_head, known_head) == 0 then
      local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
      -- A change older than the oldest in the log may have been trimmed, if any was.
      is_set_back = not first or not is_before(known_head, first[1]) or first[2][2] == '0-0'
    end
    if is_set_back then
      begin_lost_epoch('mark', 0)
    end
  end
  if token_tag ~= '' and token_issued ~= '' then
    check_witness(token_tag, tonumber(token_issued))
  end
end
