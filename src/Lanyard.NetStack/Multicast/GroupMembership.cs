using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>
/// Reports the groups of one address family to multicast routers: changes at once and once more, answers to queries after a random delay (RFC 3376
/// section 5, RFC 3810 section 6), in the version of the oldest router that was heard (sections 7 and 8). Groups are always joined for all sources.
/// </summary>
internal sealed class GroupMembership(NetworkHost host, IGroupFormat format) : HostTimer
{
    private const int RecordHeaderBytes = 4;
    private const int NewestVersion = 3;
    private const int DefaultRobustness = 2;

    // Unsolicited Report Interval: a second, in older versions ten.
    private const long RepeatTime = 1_000_000;
    private const long OldRepeatTime = 10_000_000;

    // How long a querier counts as present (Older Version Querier Present Timeout): 2 query intervals of 125 s and a response interval of 10 s.
    private const long QuerierTime = 260_000_000;
    private const int AnswersPerSecond = 20;

    // The number of sources remembered of one query. A query about more is answered for all sources.
    private const int MaxSources = 64;

    private readonly List<Member> _members = [];
    private RateLimiter _answers = new(AnswersPerSecond);
    private int _robustness = DefaultRobustness;
    private long _answerAllAt = long.MaxValue;
    private long _askedUntil;
    private long _version1Until;
    private long _version2Until;
    private int _lastVersion = NewestVersion;
    private bool _isStopped;

    private int Version => host.Now < _version1Until ? 1 : host.Now < _version2Until ? 2 : NewestVersion;

    /// <summary>Records that the host has joined a group. Called within a batch, or before the first.</summary>
    /// <param name="group">The group.</param>
    /// <param name="isTold">Whether to report now rather than when a router asks.</param>
    public void OnJoined(InetAddress group, bool isTold)
    {
        if (!format.IsReported(group))
            return;
        var member = Find(group);
        if (member is null)
            _members.Add(member = new Member(group));
        member.IsLeaving = false;
        if (isTold)
            Tell(member);
    }

    /// <summary>Records that the host has left a group.</summary>
    public void OnLeft(InetAddress group)
    {
        if (Find(group) is not { } member)
            return;
        member.AnswerAt = long.MaxValue;
        member.IsLeaving = true;
        if (!IsTalking || Version == 1)
            _members.Remove(member);
        else
            Tell(member);
    }

    /// <summary>Handles a query.</summary>
    public void OnQuery(in GroupQuery query)
    {
        host.Count(HostCounter.GroupQueries);
        _askedUntil = host.Now + QuerierTime;
        if (!IsTalking)
            return;
        if (!_answers.TryTake(host.Now))
        {
            host.Count(HostCounter.GroupRateLimited);
            return;
        }

        NoteVersion(query.Version);
        if (query.Robustness > 0)
            _robustness = query.Robustness;
        var at = host.Now + RandomDelay(query.MaxDelay);
        if (query.Group.IsUnspecified && Version == NewestVersion)
        {
            _answerAllAt = Math.Min(_answerAllAt, at);
        }
        else if (query.Group.IsUnspecified)
        {
            foreach (var member in _members)
                member.AnswerAt = Math.Min(member.AnswerAt, host.Now + RandomDelay(query.MaxDelay));
        }
        else if (Find(query.Group) is { IsLeaving: false } member && _answerAllAt > at)
        {
            // RFC 3376 section 5.2, rules 3 to 5.
            var wasWaiting = member.AnswerAt != long.MaxValue;
            member.AnswerAt = Math.Min(member.AnswerAt, at);
            member.AskAbout(query.Sources, wasWaiting, format.AddressBytes);
        }

        Arm();
    }

    /// <summary>Handles a report of another host in an older version: this host need not report the group (RFC 2236 section 3).</summary>
    public void OnReport(InetAddress group)
    {
        if (Version == NewestVersion || Find(group) is not { } member)
        {
            host.Count(HostCounter.GroupIgnored);
            return;
        }

        member.AnswerAt = long.MaxValue;
        member.WasReportedByOther = true;
        Arm();
    }

    /// <summary>Stops all reports.</summary>
    public void Stop()
    {
        _isStopped = true;
        _members.Clear();
        host.Timers.Remove(this);
    }

    public override void OnTimer(long now)
    {
        if (_lastVersion != Version)
            ChangeVersion();
        if (Version == NewestVersion)
            SendDueRecords(now);
        else
            SendDueOldReports(now);
        Arm();
    }

    private bool IsTalking => !_isStopped && host.Options.ReportGroups switch
    {
        GroupReporting.Always => true,
        GroupReporting.WhenAsked => host.Now < _askedUntil,
        _ => false,
    };

    // A change is reported at once, and again for robustness.
    private void Tell(Member member)
    {
        if (!IsTalking)
            return;
        member.TellsLeft = Math.Max(1, _robustness);
        member.TellAt = host.Now;
        OnTimer(host.Now);
    }

    private void NoteVersion(int version)
    {
        if (version == 1)
            _version1Until = host.Now + QuerierTime;
        else if (version == 2)
            _version2Until = host.Now + QuerierTime;
        if (_lastVersion != Version)
            ChangeVersion();
    }

    // Pending reports of the other version are canceled (RFC 3376 section 7.2.1).
    private void ChangeVersion()
    {
        _lastVersion = Version;
        _answerAllAt = long.MaxValue;
        for (var i = _members.Count - 1; i >= 0; i--)
        {
            var member = _members[i];
            member.AnswerAt = long.MaxValue;
            // Reports that are due now are still sent, in the new version.
            if (member.TellAt > host.Now)
                member.TellAt = long.MaxValue;
            if (member.IsLeaving && member.TellAt == long.MaxValue)
                _members.RemoveAt(i);
        }
    }

    // Sends all reports that are due, in as few packets as possible.
    private void SendDueRecords(long now)
    {
        Span<byte> records = stackalloc byte[Math.Min(format.MaxReportBytes - format.ReportHeaderBytes, 4096)];
        var used = 0;
        var count = 0;
        var answersAll = _answerAllAt <= now;
        if (answersAll)
            _answerAllAt = long.MaxValue;
        for (var i = 0; i < _members.Count; i++)
        {
            var member = _members[i];
            if (member.TellAt <= now)
            {
                Append(records, ref used, ref count, member.IsLeaving ? GroupRecordType.ToInclude : GroupRecordType.ToExclude, member, default);
                member.NoteTold(now, RandomDelay(RepeatTime));
            }

            if (member.IsLeaving)
            {
                if (member.TellAt == long.MaxValue)
                    _members.RemoveAt(i--);
            }
            else if (answersAll || member.AnswerAt <= now)
            {
                var sources = answersAll ? default : member.TakeSources();
                Append(records, ref used, ref count, sources.IsEmpty ? GroupRecordType.IsExclude : GroupRecordType.IsInclude, member, sources);
                member.AnswerAt = long.MaxValue;
            }
        }

        if (count > 0)
            format.SendReport(records[..used], count);
    }

    private void Append(Span<byte> records, ref int used, ref int count, GroupRecordType type, Member member, ReadOnlySpan<byte> sources)
    {
        var length = RecordHeaderBytes + format.AddressBytes + sources.Length;
        if (used + length > records.Length)
        {
            format.SendReport(records[..used], count);
            used = count = 0;
        }

        // 1 byte type, 1 length of further data, 2 number of sources, the group, the sources.
        var record = records.Slice(used, length);
        BinaryPrimitives.WriteUInt32BigEndian(record, ((uint)type << 24) | (uint)(sources.Length / format.AddressBytes));
        member.Group.Write(record[RecordHeaderBytes..]);
        sources.CopyTo(record[(RecordHeaderBytes + format.AddressBytes)..]);
        used += length;
        count++;
    }

    private void SendDueOldReports(long now)
    {
        for (var i = 0; i < _members.Count; i++)
        {
            var member = _members[i];
            if (member.IsLeaving)
            {
                // Only the host that reported last must report that it leaves (RFC 2236 section 3).
                if (!member.WasReportedByOther)
                    format.SendOldLeave(member.Group);
                _members.RemoveAt(i--);
            }
            else if (Math.Min(member.TellAt, member.AnswerAt) <= now)
            {
                format.SendOldReport(member.Group, Version);
                member.WasReportedByOther = false;
                if (member.TellAt <= now)
                    member.NoteTold(now, RandomDelay(OldRepeatTime));
                member.AnswerAt = long.MaxValue;
            }
        }
    }

    private void Arm()
    {
        var next = _answerAllAt;
        foreach (var member in _members)
            next = Math.Min(next, Math.Min(member.TellAt, member.AnswerAt));
        host.Timers.Set(this, next);
    }

    private long RandomDelay(long max) => max <= 0 ? 0 : 1 + host.Secrets.Next((uint)Math.Min(max, uint.MaxValue));

    private Member? Find(InetAddress group)
    {
        foreach (var member in _members)
        {
            if (member.Group == group)
                return member;
        }

        return null;
    }

    /// <summary>A group and its pending reports.</summary>
    private sealed class Member(InetAddress group)
    {
        private byte[] _sources = [];

        public InetAddress Group { get; } = group;

        public bool IsLeaving { get; set; }

        /// <summary>When the last change is reported next.</summary>
        public long TellAt { get; set; } = long.MaxValue;

        /// <summary>The number of reports of the last change that are left.</summary>
        public int TellsLeft { get; set; }

        /// <summary>When a query is answered.</summary>
        public long AnswerAt { get; set; } = long.MaxValue;

        public bool WasReportedByOther { get; set; }

        public void NoteTold(long now, long delay)
        {
            TellsLeft--;
            TellAt = TellsLeft > 0 ? now + delay : long.MaxValue;
        }

        /// <summary>Adds the sources of a query to those of the answer; all sources, if any query was about all.</summary>
        public void AskAbout(ReadOnlySpan<byte> sources, bool wasWaiting, int addressBytes)
        {
            var isAboutAll = sources.IsEmpty || (wasWaiting && _sources.Length == 0);
            if (isAboutAll || _sources.Length + sources.Length > MaxSources * addressBytes)
            {
                _sources = [];
                return;
            }

            for (; !sources.IsEmpty; sources = sources[addressBytes..])
            {
                if (!Knows(sources[..addressBytes]))
                    _sources = [.. _sources, .. sources[..addressBytes]];
            }
        }

        public ReadOnlySpan<byte> TakeSources()
        {
            var sources = _sources;
            _sources = [];
            return sources;
        }

        private bool Knows(ReadOnlySpan<byte> source)
        {
            for (var at = 0; at < _sources.Length; at += source.Length)
            {
                if (source.SequenceEqual(_sources.AsSpan(at, source.Length)))
                    return true;
            }

            return false;
        }
    }
}
