using System.Net.Sockets;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

// Ports where programs listen.
internal sealed partial class InterceptHub
{
    private const int MaxBacklog = 65_535;
    private const int UsualBacklog = 4_096;
    private const int AcceptanceTimeoutMs = 5_000;
    private const int AcceptancePauseMs = 10;

    private InterceptReply Listen(SocketDescriptor descriptor, int backlog, ulong only, uint user)
    {
        backlog = backlog < 0 ? UsualBacklog : Math.Clamp(backlog, 1, MaxBacklog);
        if (!descriptor.TryGetNear(out var near))
            return InterceptReply.Failed(Errno.BadRequest);
        ListenGroup group;
        ProgramSocket? socket;
        lock (_lock)
        {
            socket = Find(descriptor);
            if (socket is null && near.Port == 0)
            {
                var any = AnyOf(descriptor.Traits);
                if (!TryChoosePort(InterceptSocketType.Stream, any, out var port))
                    return InterceptReply.Failed(Errno.AddressInUse);
                if (TryMake(descriptor, new InetEndpoint(any, port), user, only, SocketTraits.None, out socket) is var unmade and not 0)
                    return InterceptReply.Failed(unmade);
            }
            else if (socket is null && near.Address.IsUnspecified)
            {
                // A socket of the system's network that listens on the virtual ones as well, on its own port.
                var local = new InetEndpoint(AnyOf(descriptor.Traits), near.Port);
                if (TryMake(descriptor, local, user, only, SocketTraits.None, out socket) is var unmade and not 0)
                    return InterceptReply.Failed(unmade);
            }

            // Bound by a service that was here before.
            if (socket is null && StandIns.IsNear(near.Address))
                return InterceptReply.Failed(Errno.NetworkDown);
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

            group = new ListenGroup(socket.Local, socket.User, socket.Network, backlog);
            Join(group, socket);
        }

        try
        {
            Open(group);
            return InterceptReply.Of(default);
        }
        catch (LanyardException e)
        {
            lock (_lock)
                Forget(socket);
            return InterceptReply.Failed(Errno.Of(e));
        }
    }

    // Runs under the lock. Returns another listener on the address of a new listener. Forgets a listener that its program has closed meanwhile.
    private ProgramSocket? FindListener(ProgramSocket socket)
    {
        foreach (var other in Bound(socket.Type, socket.Local).Where(other => other.Listener is not null).ToArray())
        {
            if (IsPresent(other))
                return other;
            Forget(other);
        }

        return null;
    }

    // What is bound to all addresses of both families is an IPv6 socket.
    private static InetAddress AnyOf(SocketTraits traits) =>
        (traits & SocketTraits.V6) == 0 ? InetAddress.AnyV4 : (traits & SocketTraits.V6Only) != 0 ? InetAddress.AnyV6 : default;

    // Listens on the networks that there are.
    private void Open(ListenGroup group)
    {
        foreach (var network in _networks.Of(group.User, group.Network))
        {
            lock (_lock)
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
                lock (_lock)
                    group.Forget(network);
                throw;
            }

            bool isAdded;
            lock (_lock)
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
        NoteChange(socket);
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
                // The network may come back, or have other addresses.
                lock (_lock)
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
        lock (_lock)
        {
            hasFar = _standIns.TryTakeFar(out far);
            if (hasFar)
                _far.Add(far, names);
        }

        try
        {
            if (hasFar && await ReachListenerAsync(group, far, names).ConfigureAwait(false) is { } program)
                await names.Connection.CarryAsync(program, stream).ConfigureAwait(false);
            else
                await RefuseAsync(stream).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
                Release(far);
        }
    }

    // Whether a connection reached its own listener: another program may own the address by now. If the program closed the listener after one connection, the
    // connection passes if the program reports that it accepted the connection, or if the connection's owner is the listener's user.
    private async ValueTask<bool> IsReachedAsync(ProgramSocket listening, InetEndpoint far, Acceptance acceptance, Socket program)
    {
        if (!_systemSockets.IsAvailable || (_systemSockets.TryFind(listening.Type, listening.Near, out var user, out var cookie) && IsSame(listening, user, cookie))
            || acceptance.IsAccepted || (_systemSockets.TryFind(listening.Type, listening.Near, far, out user, out _) && user == listening.User))
            return true;
        // Another thread may close the listener between accepting and reporting. The kernel resets connections that no one accepted.
        var deadline = Environment.TickCount64 + AcceptanceTimeoutMs;
        while (!acceptance.IsAccepted && Environment.TickCount64 < deadline && !program.Poll(0, SelectMode.SelectError))
            await Task.Delay(AcceptancePauseMs).ConfigureAwait(false);
        return acceptance.IsAccepted;
    }

    // Connects to the socket whose turn it is, or to the next one where nobody listens there any more; null where nobody is left.
    private async Task<Socket?> ReachListenerAsync(ListenGroup group, InetAddress far, ConnectionNames names)
    {
        while (true)
        {
            ProgramSocket? listening;
            lock (_lock)
                listening = group.Next();
            if (listening is null)
                return null;
            Socket? program = null;
            try
            {
                program = LoopbackSockets.CreateExclusive(far, out var port);
                var acceptance = new Acceptance(listening.Cookie);
                lock (_lock)
                    _far[far] = names with { Near = listening.Near, FarPort = port, Acceptance = acceptance };
                await program.ConnectAsync(listening.Near.ToIPEndPoint()).ConfigureAwait(false);
                if (await IsReachedAsync(listening, new InetEndpoint(far, port), acceptance, program).ConfigureAwait(false))
                    return program;
            }
            catch (SocketException)
            {
                // It listens no more.
            }

            program?.Dispose();
            lock (_lock)
                Forget(listening);
        }
    }
}
