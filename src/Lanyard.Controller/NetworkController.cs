using System.Globalization;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// A network controller: it keeps networks and their members, answers nodes' requests for their configuration, and tells members that are
/// online what changed. It has no clock, socket, thread or file of its own: the time is an argument, records go to an
/// <see cref="IControllerStore"/>, and what it has to say is returned, or taken with <see cref="TryTakeMessage"/>.
/// All members may be called from any thread. None blocks on I/O; those that return a configuration sign it, which takes the caller's
/// processor some milliseconds, and does not hold up other callers.
/// </summary>
public sealed partial class NetworkController
{
    private const int MaxNumberTrials = 1_000;

    private readonly Identity _identity;
    private readonly IControllerStore _store;
    private readonly RandomFill _random;

    // Guards all that follows, and every NetworkState and MemberState.
    private readonly Lock _lock = new();
    private readonly SortedDictionary<NetworkId, NetworkState> _networks = [];
    private readonly MemberIdentities _identities = new();
    private readonly SigningClock _clock;
    private ControllerCounters _counters;

    /// <summary>Takes up the records of a store.</summary>
    /// <param name="identity">The node that this is the controller of, with its secret: it signs all credentials.</param>
    /// <param name="store">Where the records are; it is loaded here, and is this controller's alone.</param>
    /// <param name="random">
    /// The source of network numbers, IPv6 addresses and revocations' numbers. It may be called from several threads at a time, and may not call back.
    /// </param>
    /// <param name="limits">How much to take on; <see langword="null"/> for the defaults.</param>
    /// <param name="import">
    /// Records from elsewhere (see <see cref="ControllerFolder"/>), put into the store if that holds no networks; otherwise they are left aside.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="identity"/> has no secret.</exception>
    /// <exception cref="ControllerStoreException">The records cannot be read, or are another controller's.</exception>
    public NetworkController(Identity identity, IControllerStore store, RandomFill random, ControllerLimits? limits = null, StoredRecords? import = null)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(random);
        if (!identity.HasSecret)
            throw new ArgumentException("A controller signs with its identity, and this one has no secret key.", nameof(identity));
        _identity = identity;
        _store = store;
        _random = random;
        Limits = limits ?? new ControllerLimits();
        _strangerTokens = Limits.NewStrangersBurst;
        var records = store.Load();
        _clock = new SigningClock(store, records.SignedUntilMs);
        var isImport = records.Networks.Count == 0 && import is not null;
        TakeUp(isImport ? import! : records);
        if (isImport)
            StoreAll();
    }

    /// <summary>The controller's address: the first ten digits of its networks' IDs.</summary>
    public NodeAddress Address => _identity.Address;

    /// <summary>How much this controller takes on.</summary>
    public ControllerLimits Limits { get; }

    /// <summary>Whether changes are being stored: see <see cref="IControllerStore.IsHealthy"/>.</summary>
    public bool IsHealthy => _store.IsHealthy;

    /// <summary>What was done so far.</summary>
    public ControllerCounters Counters
    {
        get
        {
            lock (_lock)
                return _counters;
        }
    }

    /// <summary>Waits until all changes so far are stored.</summary>
    /// <exception cref="ControllerStoreException">They could not be. They are in effect, and are tried again.</exception>
    public Task FlushAsync(CancellationToken cancellationToken = default) => _store.FlushAsync(cancellationToken);

    /// <summary>The networks, ascending.</summary>
    public IReadOnlyList<NetworkRecord> ListNetworks()
    {
        lock (_lock)
            return _networks.Values.Select(network => network.Record).ToArray();
    }

    /// <summary>A network, or <see langword="null"/> if there is none of this ID.</summary>
    public NetworkRecord? FindNetwork(NetworkId id)
    {
        lock (_lock)
            return _networks.GetValueOrDefault(id)?.Record;
    }

    /// <summary>How many members a network has, and how many of them are authorized; zeros if there is no such network.</summary>
    public (int Authorized, int Total) CountMembers(NetworkId id)
    {
        lock (_lock)
            return _networks.TryGetValue(id, out var network) ? (network.AuthorizedCount, network.Members.Count) : default;
    }

    /// <summary>The members of a network by ascending address, authorized or not; <see langword="null"/> if there is no such network.</summary>
    public IReadOnlyList<MemberRecord>? ListMembers(NetworkId id)
    {
        MemberRecord[] members;
        lock (_lock)
        {
            if (!_networks.TryGetValue(id, out var network))
                return null;
            members = network.Members.Values.Select(member => member.Record).ToArray();
        }

        Array.Sort(members, (left, right) => left.Address.CompareTo(right.Address));
        return members;
    }

    /// <summary>A member, or <see langword="null"/> if there is none.</summary>
    public MemberRecord? FindMember(NetworkId id, NodeAddress address)
    {
        lock (_lock)
            return Find(id, address)?.Record;
    }

    /// <summary>A member's presence, or <see langword="null"/> if there is no such member.</summary>
    public MemberPresence? FindPresence(long nowMs, NetworkId id, NodeAddress address)
    {
        lock (_lock)
        {
            return Find(id, address) is { } member
                ? new MemberPresence(member.IsOnline(nowMs, Limits.OnlineWindow), member.LastRequestMs, member.LastEndpoint)
                : null;
        }
    }

    /// <summary>Returns the identity of an authorized member of any network; <see langword="null"/> if the member does not exist or never sent a request.</summary>
    public Identity? FindIdentity(NodeAddress address)
    {
        lock (_lock)
            return _identities.Find(address);
    }

    /// <summary>Whether a node is an authorized member of a network.</summary>
    public bool IsAuthorized(NetworkId id, NodeAddress address)
    {
        lock (_lock)
            return Find(id, address) is { Record.IsAuthorized: true };
    }

    /// <summary>Makes a network with a random free number.</summary>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <param name="change">Fills in the new record. May be called more than once.</param>
    /// <exception cref="ControllerLimitException">The record holds too much, or there are too many networks.</exception>
    public NetworkRecord CreateNetwork(long nowMs, Func<NetworkRecord, NetworkRecord> change)
    {
        Span<byte> number = stackalloc byte[4];
        for (var trial = 0; trial < MaxNumberTrials; trial++)
        {
            _random(number);
            var id = NetworkId.Create(Address, BitConverter.ToUInt32(number) & 0xffffff);
            if (id.Number != 0 && FindNetwork(id) is null)
                return SaveNetwork(nowMs, id, change);
        }

        throw new ControllerLimitException("No free network number was found. Delete networks that are not needed.");
    }

    /// <summary>
    /// Changes a network, or makes it. If that changes anything, its revision is raised and its members that are online are told.
    /// </summary>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <param name="id">The network: one of this controller's.</param>
    /// <param name="change">
    /// Makes the new record from the present one. ID, revision and creation time stay the controller's. May be called more than once.
    /// </param>
    /// <returns>The record as it now is.</returns>
    /// <exception cref="ControllerLimitException">The record holds too much, there are too many networks, or the network is another controller's.</exception>
    public NetworkRecord SaveNetwork(long nowMs, NetworkId id, Func<NetworkRecord, NetworkRecord> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (id.Controller != Address)
            throw new ControllerLimitException($"The network {id} is not this controller's: its networks begin with {Address}.");
        while (true)
        {
            var old = FindNetwork(id);
            var changed = change(old ?? new NetworkRecord { Id = id, CreationTimeMs = nowMs });
            changed = changed with { Id = id, CreationTimeMs = old?.CreationTimeMs ?? nowMs, Revision = old?.Revision ?? 0 };
            if (changed == old)
                return old;
            RecordLimits.Check(changed);
            changed = changed with { Revision = changed.Revision + 1 };
            if (TryReplace(old, changed))
                return changed;
        }
    }

    /// <summary>Deletes a network and all its members. Members that are online are told.</summary>
    /// <returns>The record as it last was, or <see langword="null"/> if there was none.</returns>
    public NetworkRecord? DeleteNetwork(long nowMs, NetworkId id)
    {
        NetworkState? network;
        lock (_lock)
        {
            if (!_networks.Remove(id, out network))
                return null;
            network.IsDeleted = true;
            foreach (var member in network.Members.Values)
                _identities.Remove(member.Record);
            _store.Delete(id);
            PushToAll(network);
            var online = network.Members.Values.Where(member => member.Record.IsAuthorized && member.IsOnline(nowMs, Limits.OnlineWindow));
            foreach (var member in online.Take(MaxRevocationsOfDeletedNetwork))
                Revoke(network, member, nowMs);
        }

        RaiseMessagesWaiting();
        return network.Record;
    }

    /// <summary>
    /// Changes a member, or makes its record before the node ever asked. If that changes anything, its revision is raised and the node, if it
    /// is online, is told; if its authorization is taken away, its certificate is revoked at all members that are online.
    /// </summary>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <param name="id">The network.</param>
    /// <param name="address">The node.</param>
    /// <param name="change">
    /// Makes the new record from the present one. Network, address, identity, version, revision and times stay the controller's. May be called
    /// more than once.
    /// </param>
    /// <returns>The record as it now is, or <see langword="null"/> if there is no such network.</returns>
    /// <exception cref="ControllerLimitException">The record holds too much, there are too many members, or no node can have that address.</exception>
    public MemberRecord? SaveMember(long nowMs, NetworkId id, NodeAddress address, Func<MemberRecord, MemberRecord> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (address.IsReserved)
            throw new ControllerLimitException($"No node can have the address {address}.");
        while (FindNetwork(id) is not null)
        {
            var old = FindMember(id, address);
            var before = old ?? new MemberRecord { Network = id, Address = address, CreationTimeMs = nowMs };
            var changed = ChangeOf(before, change(before), nowMs);
            if (changed == old)
                return old;
            RecordLimits.Check(changed);
            changed = changed with { Revision = changed.Revision + 1 };
            if (TryReplace(nowMs, old, changed))
                return changed;
        }

        return null;
    }

    /// <summary>Forgets a member, and revokes its certificate if it was authorized. If the node asks again it is a new one.</summary>
    /// <returns>The record as it last was, or <see langword="null"/> if there was none.</returns>
    public MemberRecord? DeleteMember(long nowMs, NetworkId id, NodeAddress address)
    {
        MemberRecord record;
        lock (_lock)
        {
            if (!_networks.TryGetValue(id, out var network) || !network.Members.TryGetValue(address, out var member))
                return null;
            record = member.Record;
            Push(network, member);
            network.Remove(member);
            if (NetworkState.IsBridge(record))
                PushToAll(network);
            _store.Delete(id, address);
            if (record.IsAuthorized)
                Revoke(network, member, nowMs);
        }

        RaiseMessagesWaiting();
        return record;
    }

    private static MemberRecord ChangeOf(MemberRecord before, MemberRecord after, long nowMs)
    {
        after = after with
        {
            Network = before.Network,
            Address = before.Address,
            Identity = before.Identity,
            Version = before.Version,
            CreationTimeMs = before.CreationTimeMs,
            Revision = before.Revision,
            LastAuthorizedTimeMs = before.LastAuthorizedTimeMs,
            LastDeauthorizedTimeMs = before.LastDeauthorizedTimeMs,
            LastAuthorizedCredentialType = before.LastAuthorizedCredentialType,
            LastAuthorizedCredential = before.LastAuthorizedCredential,
        };
        if (after.IsAuthorized && !before.IsAuthorized)
            return Authorized(after, nowMs, "api", null);
        return !after.IsAuthorized && before.IsAuthorized ? after with { LastDeauthorizedTimeMs = nowMs } : after;
    }

    private void TakeUp(StoredRecords records)
    {
        foreach (var network in records.Networks)
        {
            if (network.Id.Controller != Address)
            {
                throw new ControllerStoreException(
                    $"The store holds the network {network.Id} of the controller {network.Id.Controller}, and this node is {Address}. "
                    + "Use the identity that the networks were made with, or move the store away to begin with none.");
            }

            CheckTakenUp(() => RecordLimits.Check(network), $"network {network.Id}");
            _networks.Add(network.Id, new NetworkState(network, _identities));
        }

        // The oldest first, as strangers are forgotten from the front.
        foreach (var member in records.Members.OrderBy(member => member.CreationTimeMs))
        {
            if (!_networks.TryGetValue(member.Network, out var network))
                throw new ControllerStoreException($"The store holds the member {member.Address} of the network {member.Network}, which it does not hold.");
            CheckTakenUp(() => RecordLimits.Check(member), $"member {member.Address} of the network {member.Network}");
            network.Add(member, wasMember: member is { IsAuthorized: true, Identity: not null });
        }
    }

    private static void CheckTakenUp(Action check, string what)
    {
        try
        {
            check();
        }
        catch (ControllerLimitException e)
        {
            throw new ControllerStoreException($"The stored {what} cannot be served: {e.Message} Change it where it was made.", e);
        }
    }

    private void StoreAll()
    {
        foreach (var network in _networks.Values)
        {
            _store.Save(network.Record);
            foreach (var member in network.Members.Values)
                _store.Save(member.Record);
        }
    }

    private MemberState? Find(NetworkId id, NodeAddress address) => _networks.GetValueOrDefault(id)?.Members.GetValueOrDefault(address);

    private bool TryReplace(NetworkRecord? old, NetworkRecord changed)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(old, _networks.GetValueOrDefault(changed.Id)?.Record))
                return false;
            if (old is null && _networks.Count >= Limits.MaxNetworks)
                throw new ControllerLimitException(string.Create(CultureInfo.InvariantCulture, $"There can be at most {Limits.MaxNetworks} networks."));
            if (old is null)
                _networks.Add(changed.Id, new NetworkState(changed, _identities));
            else
                _networks[changed.Id].Record = changed;
            _store.Save(changed);
            PushToAll(_networks[changed.Id]);
        }

        RaiseMessagesWaiting();
        return true;
    }

    private bool TryReplace(long nowMs, MemberRecord? old, MemberRecord changed)
    {
        lock (_lock)
        {
            if (!_networks.TryGetValue(changed.Network, out var network)
                || !ReferenceEquals(old, network.Members.GetValueOrDefault(changed.Address)?.Record))
                return false;
            if (old is null && network.Members.Count >= Limits.MaxMembersPerNetwork)
            {
                throw new ControllerLimitException(string.Create(CultureInfo.InvariantCulture,
                    $"A network can have at most {Limits.MaxMembersPerNetwork} members."));
            }

            if (old is null)
                network.Add(changed);
            else
                network.Replace(network.Members[changed.Address], changed);
            _store.Save(changed);
            Push(network, network.Members[changed.Address]);
            if (NetworkState.IsBridge(old) != NetworkState.IsBridge(changed))
                PushToAll(network);
            if (old is { IsAuthorized: true } && !changed.IsAuthorized)
                Revoke(network, network.Members[changed.Address], nowMs);
        }

        RaiseMessagesWaiting();
        return true;
    }
}
