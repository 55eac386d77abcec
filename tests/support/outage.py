"""What an application must answer before, during and after an outage of its store."""

from proxied_site import SERVING, STRICT, until


class Outage:
    """
    Tokens before, during and after an outage, in the order in which it is survived.

    Args:
        site: The application, which reaches its store through the proxy.
        other: The process that revokes.
        can_revoke: Whether that process can reach the server during the outage.
        is_doubtful: Whether the server answers, but not whether it may be believed, so that not even "serve" serves.
    """

    def __init__(self, site, other, *, can_revoke=True, is_doubtful=False):
        self.site, self.other, self._can_revoke = site, other, can_revoke
        self._is_doubtful = is_doubtful
        self.valid, self.ended = other.sign_in("alice"), other.sign_in("bob")
        self.ended_meanwhile = other.sign_in("carol")
        assert [200] * 3 == [site.ask(login) for login in (self.valid, self.ended, self.ended_meanwhile)]
        other.end(self.ended)
        site.wait_for_view()
        if site.mode == STRICT:
            assert 401 == site.ask(self.ended)
        until(lambda: site.ask(self.ended) == 401)

    def check_begun(self):
        """While the view is fresh, it answers; requests that ask the store get 503."""
        site, answers = self.site, []
        sent = site.sent_by(lambda: answers.append(site.ask(self.valid)))
        if site.mode == STRICT:
            assert [503] == answers
        else:
            assert ([200], 0) == (answers, sent)

    def check_old(self):
        """When it is too old, nothing that was revoked passes by it."""
        site = self.site
        if self._can_revoke:
            self.other.end(self.ended_meanwhile)
        site.let_view_age()
        served = {503} if site.mode != SERVING else {200, 503} if self._is_doubtful else {200}
        assert site.ask(self.valid) in served
        assert 503 == site.ask(self.ended)
        # With "serve" what nobody told this process passes, which is what that promises.
        assert site.ask(self.ended_meanwhile) in served

    def check_over(self):
        """The store is back, and every answer is right again."""
        site = self.site
        site.recover(self.valid)
        if not self._can_revoke:
            self.other.end(self.ended_meanwhile)
            until(lambda: site.mode == STRICT or site.ask(self.ended_meanwhile) == 401)
        assert [401, 401] == [site.ask(login) for login in (self.ended, self.ended_meanwhile)]
        if site.mode != STRICT:
            # A view that was resumed is believed when its log was read.
            until(lambda: 0 == site.sent_by(lambda: site.ask(self.valid)))

    def survive(self, begin, end):
        """Check all of it."""
        begin()
        with self.site.hurried():
            self.check_begun()
            self.check_old()
        end()
        self.check_over()
