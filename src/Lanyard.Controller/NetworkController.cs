using System.Diagnostics.CodeAnalysis;
using Lanyard.Engine;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// A network controller: keeps networks and their members, replies to nodes' requests for configurations, and notifies online members of changes. It has no clock,
/// socket, thread or file of its own: the time is an argument, records go to an <see cref="IControllerStore"/>, and messages are return values, or are taken with
/// <see cref="TryTakeMessage"/>. All members may be called from any thread. None blocks on I/O. Methods that return a configuration sign it, which takes the calling
/// thread some milliseconds and does not delay other callers.
/// </summary>
public sealed class NetworkController
{
    private const int MaxNumberTrials = 1_000;

    private readonly Identity _identity;
    private readonly IControllerStore _store;
    private readonly RandomFill _random;

    // _lock guards the following parts and all NetworkState and MemberState. Nothing is signed, and no caller's code runs, under it.
    private readonly Lock _lock = new();
    private readonly ControllerState _state;
    private readonly PendingMessages _pending;
    private readonly ConfigIssuer _issuer;
    private readonly RecordChanges _changes;
    private readonly MemberAdmission _admission;
    private readonly MemberMessages _messages;

    /// <summary>Creates a controller and loads the records of its store.</summary>
    /// <param name="identity">The node's identity with its secret key, which signs all credentials.</param>
    /// <param name="store">The store. The controller loads it and is its only user.</param>
    /// <param name="random">
    /// The source of network numbers, IPv6 addresses and revocation IDs. It may be called from several threads at a time, and must not call the controller.
    /// </param>
    /// <param name="limits">The limits; <see langword="null"/> for the defaults.</param>
    /// <param name="import">Records from elsewhere (see <see cref="ControllerFolder"/>), saved to the store if it contains no networks, and ignored otherwise.</param>
    /// <exception cref="ArgumentException"><paramref name="identity"/> has no secret key.</exception>
    /// <exception cref="ControllerStoreException">The records cannot be read, or belong to another controller.</exception>
    public NetworkController(Identity identity, IControllerStore store, RandomFill random, ControllerLimits? limits = null, StoredRecords? import = null)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(random);
        if (!identity.HasSecret)
            throw new ArgumentException("The identity has no secret key. A controller needs one to sign credentials.", nameof(identity));
        _identity = identity;
        _store = store;
        _random = random;
        Limits = limits ?? new ControllerLimits();
        var records = store.Load();
        var clock = new SigningClock(store, records.SignedUntilMs);
        _state = new ControllerState(Address, store);
        _pending = new PendingMessages(clock, random, Limits.OnlineWindow);
        _issuer = new ConfigIssuer(clock, random);
        _changes = new RecordChanges(_state, _pending, Limits);
        _admission = new MemberAdmission(_state, _changes, _issuer, Limits);
        _messages = new MemberMessages(_pending, _state, _changes, _issuer);
        if (records.Networks.Count == 0 && import is not null)
        {
            _state.Load(import);
            _state.SaveAll();
        }
        else
        {
            _state.Load(records);
        }
    }

    /// <summary>
    /// Raised when <see cref="TryTakeMessage"/> has a message again, on the thread of the call that caused it. A handler should only wake the task that takes the
    /// messages.
    /// </summary>
    public event EventHandler? MessagesWaiting;

    /// <summary>The controller's address: the first ten digits of its networks' IDs.</summary>
    public NodeAddress Address => _identity.Address;

    /// <summary>The limits.</summary>
    public ControllerLimits Limits { get; }

    /// <summary>Whether changes are being stored: see <see cref="IControllerStore.IsHealthy"/>.</summary>
    public bool IsHealthy => _store.IsHealthy;

    /// <summary>Counters since the controller was created.</summary>
    public ControllerCounters Counters
    {
        get
        {
            lock (_lock)
            {
                return _admission.Counters with
                {
                    Pushes = _messages.PushCount,
                    Revocations = _pending.RevocationCount,
                    PoolExhausted = _issuer.PoolExhaustedCount,
                };
            }
        }
    }

    /// <summary>Waits until all changes so far are stored.</summary>
    /// <exception cref="ControllerStoreException">A write failed. The changes are in effect, and the store retries.</exception>
    public Task FlushAsync(CancellationToken cancellationToken = default) => _store.FlushAsync(cancellationToken);

    /// <summary>Returns the networks, by ascending ID.</summary>
    public IReadOnlyList<NetworkRecord> ListNetworks()
    {
        lock (_lock)
            return _state.Networks.Select(network => network.Record).ToArray();
    }

    /// <summary>Returns a network; <see langword="null"/> if it does not exist.</summary>
    public NetworkRecord? FindNetwork(NetworkId id)
    {
        lock (_lock)
            return _state.Find(id)?.Record;
    }

    /// <summary>Returns the numbers of authorized members and of all members of a network; zeros if the network does not exist.</summary>
    public (int Authorized, int Total) CountMembers(NetworkId id)
    {
        lock (_lock)
            return _state.Find(id) is { } network ? (network.AuthorizedCount, network.Members.Count) : default;
    }

    /// <summary>Returns the members of a network by ascending address, authorized or not; <see langword="null"/> if the network does not exist.</summary>
    public IReadOnlyList<MemberRecord>? ListMembers(NetworkId id)
    {
        MemberRecord[] members;
        lock (_lock)
        {
            if (_state.Find(id) is not { } network)
                return null;
            members = network.Members.Values.Select(member => member.Record).ToArray();
        }

        Array.Sort(members, (left, right) => left.Address.CompareTo(right.Address));
        return members;
    }

    /// <summary>Returns a member; <see langword="null"/> if it does not exist.</summary>
    public MemberRecord? FindMember(NetworkId id, NodeAddress address)
    {
        lock (_lock)
            return _state.Find(id, address)?.Record;
    }

    /// <summary>Returns a member's presence; <see langword="null"/> if the member does not exist.</summary>
    public MemberPresence? FindPresence(long nowMs, NetworkId id, NodeAddress address)
    {
        lock (_lock)
        {
            return _state.Find(id, address) is { } member
                ? new MemberPresence(member.IsOnline(nowMs, Limits.OnlineWindow), member.LastRequestMs, member.LastEndpoint)
                : null;
        }
    }

    /// <summary>Returns the identity of an authorized member of any network; <see langword="null"/> if the member does not exist or never sent a request.</summary>
    public Identity? FindIdentity(NodeAddress address)
    {
        lock (_lock)
            return _state.FindIdentity(address);
    }

    /// <summary>Returns whether a node is an authorized member of a network.</summary>
    public bool IsAuthorized(NetworkId id, NodeAddress address)
    {
        lock (_lock)
            return _state.Find(id, address) is { Record.IsAuthorized: true };
    }

    /// <summary>Creates a network with a random unused number.</summary>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <param name="change">Returns the new record, given one with defaults. May be called more than once.</param>
    /// <exception cref="ControllerLimitException">The record exceeds a limit, or there are too many networks.</exception>
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

        throw new ControllerLimitException("No unused network number was found. Delete networks that are not needed.");
    }

    /// <summary>Changes a network, or creates it. A change raises the network's revision and notifies online members.</summary>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <param name="id">The network. It must belong to this controller.</param>
    /// <param name="change">
    /// Returns the new record, given the current one. Its ID, revision and creation time are ignored. May be called more than once.
    /// </param>
    /// <returns>The resulting record.</returns>
    /// <exception cref="ControllerLimitException">The record exceeds a limit, there are too many networks, or the network belongs to another controller.</exception>
    public NetworkRecord SaveNetwork(long nowMs, NetworkId id, Func<NetworkRecord, NetworkRecord> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (id.Controller != Address)
            throw new ControllerLimitException($"The network {id} belongs to another controller. The IDs of this controller's networks start with {Address}.");
        while (true)
        {
            var old = FindNetwork(id);
            var changed = RecordChanges.Changed(id, old, change, nowMs);
            if (ReferenceEquals(changed, old))
                return old;
            lock (_lock)
            {
                if (!_changes.TryReplace(old, changed))
                    continue;
            }

            RaiseMessagesWaiting();
            return changed;
        }
    }

    /// <summary>Deletes a network and all its members, and notifies online members.</summary>
    /// <returns>The last record; <see langword="null"/> if the network does not exist.</returns>
    public NetworkRecord? DeleteNetwork(long nowMs, NetworkId id)
    {
        NetworkRecord? deleted;
        lock (_lock)
            deleted = _changes.DeleteNetwork(id, nowMs);
        RaiseMessagesWaiting();
        return deleted;
    }

    /// <summary>
    /// Changes a member, or creates its record before the node's first request. A change raises the member's revision and notifies the node if it is online.
    /// Deauthorization revokes the node's certificates at all online members.
    /// </summary>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <param name="id">The network.</param>
    /// <param name="address">The node.</param>
    /// <param name="change">
    /// Returns the new record, given the current one. Its network, address, identity, version, revision and times are ignored. May be called more than once.
    /// </param>
    /// <returns>The resulting record; <see langword="null"/> if the network does not exist.</returns>
    /// <exception cref="ControllerLimitException">The record exceeds a limit, there are too many members, or the address is reserved.</exception>
    public MemberRecord? SaveMember(long nowMs, NetworkId id, NodeAddress address, Func<MemberRecord, MemberRecord> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (address.IsReserved)
            throw new ControllerLimitException($"The address {address} is reserved. No node can have it.");
        while (FindNetwork(id) is not null)
        {
            var old = FindMember(id, address);
            var changed = RecordChanges.Changed(id, address, old, change, nowMs);
            if (ReferenceEquals(changed, old))
                return old;
            lock (_lock)
            {
                if (!_changes.TryReplace(old, changed, nowMs))
                    continue;
            }

            RaiseMessagesWaiting();
            return changed;
        }

        return null;
    }

    /// <summary>Deletes a member, and revokes its certificates if it was authorized. A later request of the node creates a new member.</summary>
    /// <returns>The last record; <see langword="null"/> if the member does not exist.</returns>
    public MemberRecord? DeleteMember(long nowMs, NetworkId id, NodeAddress address)
    {
        MemberRecord? deleted;
        lock (_lock)
            deleted = _changes.DeleteMember(id, address, nowMs);
        RaiseMessagesWaiting();
        return deleted;
    }

    /// <summary>
    /// Replies to NETWORK_CONFIG_REQUEST. A member gets its configuration. A node that is not authorized is recorded, so that it can be authorized, and refused.
    /// A member that sends another request within <see cref="ControllerLimits.MinRequestInterval"/> gets no reply.
    /// </summary>
    public ControllerReply HandleRequest(ConfigRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var identity = request.Requester.ToString();
        ControllerReason reason;
        UnsignedMessage? reply;
        lock (_lock)
            reason = _admission.Decide(request, identity, out reply);
        RaiseMessagesWaiting();
        return new ControllerReply(reason, reply?.Sign(_identity));
    }

    /// <summary>
    /// Takes the next message to a node that did not request it: revocations first, then changed configurations (one for a member, however many changes there were)
    /// and refusals to former members. Nodes that are offline get none.
    /// </summary>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <param name="message">The message.</param>
    /// <returns>Whether there was a message.</returns>
    public bool TryTakeMessage(long nowMs, [NotNullWhen(true)] out ControllerMessage? message)
    {
        UnsignedMessage? next;
        lock (_lock)
            next = _messages.TryTake(nowMs);
        message = next?.Sign(_identity);
        return message is not null;
    }

    private void RaiseMessagesWaiting()
    {
        lock (_lock)
        {
            if (!_pending.TryAnnounce())
                return;
        }

        MessagesWaiting?.Invoke(this, EventArgs.Empty);
    }
}
