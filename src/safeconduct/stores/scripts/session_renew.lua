-- Own arguments: issued_ms, exp and renewals of the token that asks, id of the new one, grace_ms, access_ms, rights or ""
if is_gone() or latest_cut() >= tonumber(argument(1)) then
  return told('gone')
end
local renewals = tonumber(argument(3))
if renewals == number('renewals') - 1 and now < number('renewal_grace') then
  return told('repeated', number('renewal_iat'))
end
if renewals < number('renewals') then
  return told('reuse')
end
if renewals > number('renewals') then
  -- It bears our signature, so a later state of the data made it.
  lose('token', tonumber(argument(1)))
  return told('gone', 0, true)
end
local access, ends = tonumber(argument(6)), math.floor(number('ends') / 1000)
if ends <= tonumber(argument(2)) then
  return told('at_end')
end
local iat = stamp()
put('renewals', renewals + 1)
put('demoted', '1')
put('renewal_id', argument(4))
put('renewal_iat', iat)
put('renewal_exp', math.min(math.floor(iat / 1000) + math.floor(access / 1000), ends))
put('renewal_grace', now + tonumber(argument(5)))
take_rights(argument(7))
issue(iat, access)
keep()
return told('renewed', iat)
