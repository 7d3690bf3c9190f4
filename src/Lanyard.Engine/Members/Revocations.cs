using Lanyard.Wire;

namespace Lanyard.Engine.Members;

/// <summary>
/// What a network's controller has revoked. A revocation is kept as long as the credentials that it ends could count, over restarts, and whether or not
/// the member is known at present: members are forgotten when they fall silent, and come back with what they had.
/// </summary>
internal sealed class Revocations
{
    /// <summary>The maximum number of revocations for one network. Beyond it, the oldest without effect are removed first.</summary>
    public const int Capacity = 4_096;

    private const byte Format = 2;
    private const int EntryBytes = NodeAddress.Size + 1 + sizeof(uint) + sizeof(long) + 1 + sizeof(long);

    private readonly NodeContext _context;
    private readonly NetworkId _network;
    private readonly Dictionary<Key, Entry> _entries = [];

    public Revocations(NodeContext context, NetworkId network)
    {
        _context = context;
        _network = network;
        if (context.Host.LoadState(StateKind.Revocations, network.Value) is { } state)
            Read(state);
    }

    /// <summary>The number of revocations.</summary>
    public int Count => _entries.Count;

    /// <summary>Grows with each revocation, so that what was found out before can be asked anew.</summary>
    public int Version { get; private set; }

    /// <summary>Whether a credential was revoked. Both times are by the controller's clock.</summary>
    public bool Ends(NodeAddress member, ICredential credential)
    {
        if (_entries.Count == 0)
            return false;
        var key = new Key(member, credential.Type, credential.Id);
        if (!_entries.TryGetValue(key, out var entry) || credential.Timestamp > entry.Threshold
            || (credential.Timestamp > entry.WentBackTo && (ulong)(entry.Threshold - credential.Timestamp) > NetworkLimits.MaxCredentialTimeMaxDelta))
            return false;
        if (!entry.HasEnded)
            _entries[key] = entry with { HasEnded = true };
        return true;
    }

    /// <summary>Takes a revocation whose signature was checked. False if it is no news, or nothing is left that it could end.</summary>
    public bool Add(Revocation revocation, NetworkConfig? config)
    {
        var key = new Key(revocation.Target, revocation.CredentialType, revocation.CredentialId);
        if ((_entries.TryGetValue(key, out var known) && revocation.Threshold <= known.Threshold) || IsOver(key, revocation.Threshold, config))
            return false;
        if (_entries.Count >= Capacity && !_entries.ContainsKey(key))
            GiveUpOne();
        _entries[key] = new Entry(revocation.Threshold, known.HasEnded, long.MaxValue);
        Version++;
        Save();
        return true;
    }

    /// <summary>
    /// Records that the controller's clock was set back, which a reply to this node's request shows. A known revocation with a threshold beyond all windows
    /// then ends only credentials signed until now, not those signed from now on.
    /// </summary>
    public void ClockWentBack(long configTimestamp)
    {
        var isChanged = false;
        foreach (var (key, entry) in _entries.ToArray())
        {
            if (entry.WentBackTo <= configTimestamp || entry.Threshold <= configTimestamp)
                continue;
            _entries[key] = entry with { WentBackTo = configTimestamp };
            isChanged = true;
        }

        if (!isChanged)
            return;
        Version++;
        Save();
    }

    /// <summary>Forgets those that have nothing left to end.</summary>
    public void Clean(NetworkConfig config)
    {
        if (_entries.Count == 0)
            return;
        var count = _entries.Count;
        foreach (var (key, entry) in _entries.ToArray())
        {
            if (IsOver(key, entry.Threshold, config))
                _entries.Remove(key);
        }

        if (_entries.Count < count)
            Save();
    }

    // Certificates of membership agree within the window of this node's own, others count within that of its configuration. Either window may be set
    // wider while older credentials are about, so none is taken for shorter than the widest that is set.
    private static bool IsOver(Key key, long threshold, NetworkConfig? config)
    {
        if (config is null)
            return false;
        var newest = config.Timestamp;
        var window = (ulong)Math.Max(config.CredentialTimeMaxDelta, NetworkLimits.MaxCredentialTimeMaxDelta);
        if (key.Type == CredentialType.Membership && config.Membership is { } own)
        {
            newest = own.Timestamp;
            window = Math.Max(own.TimestampMaxDelta, NetworkLimits.MaxCredentialTimeMaxDelta);
        }

        return threshold < newest && (ulong)(newest - threshold) > window;
    }

    private void GiveUpOne()
    {
        Key first = default;
        Entry? least = null;
        foreach (var (key, entry) in _entries)
        {
            if (least is { } other && (entry.HasEnded, entry.Threshold).CompareTo((other.HasEnded, other.Threshold)) >= 0)
                continue;
            (first, least) = (key, entry);
        }

        _entries.Remove(first);
        _context.Counters.Drop(DropReason.RevocationsFull);
    }

    private void Read(byte[] state)
    {
        var reader = new ByteReader(state);
        if (reader.ReadByte() != Format)
            return;
        while (reader.Remaining >= EntryBytes && _entries.Count < Capacity)
        {
            var key = new Key(reader.ReadNodeAddress(), (CredentialType)reader.ReadByte(), reader.ReadUInt32());
            _entries[key] = new Entry(reader.ReadInt64(), reader.ReadByte() != 0, reader.ReadInt64());
        }
    }

    private void Save()
    {
        if (_entries.Count == 0)
        {
            _context.Host.DeleteState(StateKind.Revocations, _network.Value);
            return;
        }

        var writer = new ByteWriter(new byte[1 + (_entries.Count * EntryBytes)]);
        writer.WriteByte(Format);
        foreach (var (key, entry) in _entries)
        {
            writer.WriteNodeAddress(key.Member);
            writer.WriteByte((byte)key.Type);
            writer.WriteUInt32(key.Id);
            writer.WriteInt64(entry.Threshold);
            writer.WriteByte(entry.HasEnded ? (byte)1 : (byte)0);
            writer.WriteInt64(entry.WentBackTo);
        }

        _context.Host.SaveState(StateKind.Revocations, _network.Value, writer.Written);
    }

    private readonly record struct Key(NodeAddress Member, CredentialType Type, uint Id);

    // WentBackTo: the controller's time after its clock was set back; long.MaxValue if it was not since the revocation.
    private readonly record struct Entry(long Threshold, bool HasEnded, long WentBackTo);
}
