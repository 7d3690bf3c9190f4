using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

// Ports where programs listen.
internal sealed partial class InterceptHub
{
    private const int MaxBacklog = 65_535;

    private InterceptReply Listen(in InterceptRequest request, InetEndpoint near, uint user)
    {
        ListenGroup group;
        ProgramSocket? socket;
        lock (_lock)
        {
            var own = OwnNear(near);
            if (!_near.TryGetValue((request.Type, own), out socket) || socket.User != user)
            {
                // A socket of the system's network that listens on the virtual ones as well, on its own port.
                if (near.IsNone || !near.Address.IsUnspecified || near.Port == 0)
                    return InterceptReply.Failed(Errno.BadRequest);
                var family = (request.Flags & InterceptFlags.V6Socket) == 0 ? InetAddress.AnyV4
                    : (request.Flags & InterceptFlags.V6Only) != 0 ? InetAddress.AnyV6 : default;
                socket = Make(request, new InetEndpoint(family, near.Port), user, own);
            }

            if (socket is null)
                return InterceptReply.Failed(Errno.NoBufferSpace);
            if (socket.Listener is not null)
                return InterceptReply.Of(socket.Near);
            if (Bound(socket.Type, socket.Local).FirstOrDefault(other => other.Listener is not null) is { Listener: { } shared } sharer)
            {
                if (sharer.User != user || (sharer.Flags & socket.Flags & InterceptFlags.ReusePort) == 0 || shared.Local != socket.Local)
                    return InterceptReply.Failed(Errno.AddressInUse);
                Join(shared, socket);
                return InterceptReply.Of(socket.Near);
            }

            group = new ListenGroup(socket.Local, user);
            Join(group, socket);
        }

        var backlog = (int)Math.Clamp(request.Backlog, 1, MaxBacklog);
        try
        {
            foreach (var network in _networks.Of(user, socket.Network))
            {
                if (socket.Local.Address.Family != InetFamily.None && !socket.Local.Address.IsUnspecified
                    && network.Addresses.All(own => own.Address != socket.Local.Address))
                    continue;
                var listener = network.Listen(socket.Local, backlog);
                lock (_lock)
                    group.Add(listener);
                _ = AcceptAsync(group, listener);
            }

            return InterceptReply.Of(socket.Near);
        }
        catch (LanyardException e)
        {
            lock (_lock)
                Forget(socket);
            return InterceptReply.Failed(Errno.Of(e));
        }
    }

    private static void Join(ListenGroup group, ProgramSocket socket)
    {
        group.Add(socket);
        socket.Listener = group;
    }

    private async Task AcceptAsync(ListenGroup group, LanyardListener listener)
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
                return;
            }

            _ = HandOverAsync(group, stream);
        }
    }

    private async Task HandOverAsync(ListenGroup group, LanyardStream stream)
    {
        while (true)
        {
            ProgramSocket? listening;
            InetAddress far = default;
            lock (_lock)
            {
                listening = group.Next();
                if (listening is not null)
                {
                    far = _standIns.TakeFar();
                    _far.Add(far, new ConnectionNames(
                        group.User, InetEndpoint.FromIPEndPoint(stream.LocalEndPoint), InetEndpoint.FromIPEndPoint(stream.RemoteEndPoint)));
                }
            }

            if (listening is null)
            {
                stream.Abort();
                await stream.DisposeAsync().ConfigureAwait(false);
                return;
            }

            Socket? program = null;
            try
            {
                program = LoopbackSockets.Bound(far, 0);
                await program.ConnectAsync(listening.Near.ToIPEndPoint()).ConfigureAwait(false);
                await StreamPump.RunAsync(program, stream).ConfigureAwait(false);
                lock (_lock)
                    Release(far);
                return;
            }
            catch (SocketException)
            {
                // Nobody listens there any more: the next, if there is one.
                program?.Dispose();
                lock (_lock)
                {
                    Release(far);
                    Forget(listening);
                }
            }
        }
    }
}
