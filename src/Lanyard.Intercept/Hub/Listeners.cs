using System.Net.Sockets;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>Opens the virtual ports that programs listen on, and relays accepted connections.</summary>
/// <param name="sockets">Programs' sockets.</param>
/// <param name="addresses">The loopback alias addresses.</param>
/// <param name="networks">The virtual networks.</param>
/// <param name="probe">Checks whether a program still listens.</param>
internal sealed class Listeners(SocketTable sockets, AddressMap addresses, VirtualNetworks networks, SocketProbe probe)
{
    private const int MaxBacklog = 65_535;
    private const int UsualBacklog = 4_096;
    private const int AcceptanceTimeoutMs = 5_000;
    private const int AcceptancePauseMs = 10;

    /// <summary>Listens on a program's socket, and on the virtual networks.</summary>
    public InterceptReply Listen(SocketDescriptor descriptor, int backlog, SocketOwner owner)
    {
        backlog = backlog < 0 ? UsualBacklog : Math.Clamp(backlog, 1, MaxBacklog);
        if (!descriptor.TryGetNear(out var near))
            return InterceptReply.Failed(Errno.BadRequest);
        ListenGroup group;
        ProgramSocket? socket;
        lock (sockets.Lock)
        {
            socket = sockets.Find(descriptor);
            if (socket is null && TryBind(descriptor, near, owner, out socket) is var unmade and not 0)
                return InterceptReply.Failed(unmade);
            if (socket is null)
                return InterceptReply.Host;
            if (descriptor.Listen(backlog) is var refused and not 0)
                return InterceptReply.Failed(refused);
            if (socket.Listener is not null)
                return InterceptReply.Of(default);
            if (FindListener(socket) is { Listener: { } shared } sharer)
            {
                if (sharer.User != socket.User || (sharer.Traits & socket.Traits & SocketTraits.ReusePort) == 0 || shared.Local != socket.Local)
                    return InterceptReply.Failed(Errno.AddressInUse);
                Join(shared, socket);
                return InterceptReply.Of(default);
            }

            group = new ListenGroup(socket.Local, socket.Owner, backlog);
            Join(group, socket);
        }

        try
        {
            Open(group);
            return InterceptReply.Of(default);
        }
        catch (LanyardException e)
        {
            lock (sockets.Lock)
                sockets.Forget(socket);
            return InterceptReply.Failed(Errno.Of(e));
        }
    }

    /// <summary>Adopts a listening socket of the previous service process. Runs under the lock.</summary>
    public void Adopt(ProgramSocket socket, int backlog) => Join(
        sockets.Bound(socket.Type, socket.Local).Select(other => other.Listener).FirstOrDefault(group => group?.Local == socket.Local)
            ?? new ListenGroup(socket.Local, socket.Owner, backlog),
        socket);

    /// <summary>Opens the ports of listening sockets on networks that came up.</summary>
    public void OpenAll(IEnumerable<ProgramSocket> listening)
    {
        foreach (var group in listening.Select(socket => socket.Listener).OfType<ListenGroup>().Distinct())
        {
            try
            {
                Open(group);
            }
            catch (LanyardException)
            {
                // Another socket has the port on that network.
            }
        }
    }

    // Runs under the lock. Binds a socket that the program has not bound to a virtual address. Returns 0 or an errno; 0 without a socket if the virtual
    // networks are not concerned.
    private int TryBind(SocketDescriptor descriptor, InetEndpoint near, SocketOwner owner, out ProgramSocket? socket)
    {
        socket = null;
        var any = AnyOf(descriptor.Traits);
        if (near.Port == 0)
        {
            return sockets.TryChoosePort(InterceptSocketType.Stream, any, out var port)
                ? sockets.TryMake(descriptor, new InetEndpoint(any, port), owner, SocketTraits.None, out socket) : Errno.AddressInUse;
        }

        // A socket on the system's network that listens on the virtual networks as well, on the same port.
        if (near.Address.IsUnspecified)
            return sockets.TryMake(descriptor, new InetEndpoint(any, near.Port), owner, SocketTraits.None, out socket);
        // Bound by the previous service process.
        return LoopbackAliases.IsNear(near.Address) ? Errno.NetworkDown : 0;
    }

    // Runs under the lock. Returns another listener on the address of a new listener. Removes a listener that its program has closed in the meantime.
    private ProgramSocket? FindListener(ProgramSocket socket)
    {
        foreach (var other in sockets.Bound(socket.Type, socket.Local).Where(other => other.Listener is not null).ToArray())
        {
            if (probe.IsPresent(other))
                return other;
            sockets.Forget(other);
        }

        return null;
    }

    // A socket on the wildcard address of both families is an IPv6 socket.
    private static InetAddress AnyOf(SocketTraits traits) =>
        (traits & SocketTraits.V6) == 0 ? InetAddress.AnyV4 : (traits & SocketTraits.V6Only) != 0 ? InetAddress.AnyV6 : default;

    // Opens the port on the networks that are up.
    private void Open(ListenGroup group)
    {
        foreach (var network in networks.Of(group.Owner))
        {
            lock (sockets.Lock)
            {
                if (!group.TryBegin(network))
                    continue;
            }

            LanyardListener listener;
            try
            {
                listener = network.Listen(group.Local, group.Backlog);
            }
            catch
            {
                lock (sockets.Lock)
                    group.Forget(network);
                throw;
            }

            bool isAdded;
            lock (sockets.Lock)
                isAdded = group.TryAdd(network, listener);
            if (isAdded)
                _ = AcceptAsync(group, network, listener);
            else
                listener.Dispose();
        }
    }

    private void Join(ListenGroup group, ProgramSocket socket)
    {
        group.Add(socket);
        socket.Listener = group;
        sockets.NoteChange(socket);
    }

    private async Task AcceptAsync(ListenGroup group, LanyardNetwork network, LanyardListener listener)
    {
        while (true)
        {
            LanyardStream stream;
            try
            {
                stream = await listener.AcceptAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is LanyardException or ObjectDisposedException)
            {
                // The network may return, or get other addresses.
                lock (sockets.Lock)
                    group.Forget(network);
                return;
            }

            _ = HandOverAsync(group, stream);
        }
    }

    private async Task HandOverAsync(ListenGroup group, LanyardStream stream)
    {
        var names = new ConnectionNames(InetEndpoint.FromIPEndPoint(stream.LocalEndPoint), InetEndpoint.FromIPEndPoint(stream.RemoteEndPoint), new ProgramConnection());
        InetAddress far;
        bool hasFar;
        lock (sockets.Lock)
            hasFar = addresses.TryAdd(names, out far);
        try
        {
            if (hasFar && await ReachAsync(group, far, names).ConfigureAwait(false) is { } program)
            {
                await names.Connection.CarryAsync(program, stream).ConfigureAwait(false);
                return;
            }

            stream.Abort();
            await stream.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            lock (sockets.Lock)
                addresses.Remove(far);
        }
    }

    // Connects to the next socket in turn that still listens. Returns null if there is none.
    private async Task<Socket?> ReachAsync(ListenGroup group, InetAddress far, ConnectionNames names)
    {
        while (true)
        {
            ProgramSocket? listening;
            lock (sockets.Lock)
                listening = group.Next();
            if (listening is null)
                return null;
            Socket? program = null;
            try
            {
                program = LoopbackSockets.CreateExclusive(far, out var port);
                var acceptance = new Acceptance(listening.Cookie);
                lock (sockets.Lock)
                    addresses.Change(far, names with { Near = listening.Near, FarPort = port, Acceptance = acceptance });
                await program.ConnectAsync(listening.Near.ToIPEndPoint()).ConfigureAwait(false);
                if (await IsReachedAsync(listening, new InetEndpoint(far, port), acceptance, program).ConfigureAwait(false))
                    return program;
            }
            catch (SocketException)
            {
                // The program has closed the listener.
            }

            program?.Dispose();
            lock (sockets.Lock)
                sockets.Forget(listening);
        }
    }

    // Whether a connection reached its own listener: another program may own the address by now. If the program closed the listener after one connection, the
    // connection passes if the program reports that it accepted the connection, or if the connection's owner is the listener's user.
    private async ValueTask<bool> IsReachedAsync(ProgramSocket listening, InetEndpoint far, Acceptance acceptance, Socket program)
    {
        if (probe.IsListening(listening) || acceptance.IsAccepted || probe.IsConnectionOfUser(listening, far))
            return true;
        // Another thread may close the listener between accepting and reporting. The kernel resets connections that no one accepted.
        var deadline = Environment.TickCount64 + AcceptanceTimeoutMs;
        while (!acceptance.IsAccepted && Environment.TickCount64 < deadline && !program.Poll(0, SelectMode.SelectError))
            await Task.Delay(AcceptancePauseMs).ConfigureAwait(false);
        return acceptance.IsAccepted;
    }
}
