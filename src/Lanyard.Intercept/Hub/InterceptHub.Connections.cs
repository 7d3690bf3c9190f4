using System.Net.Sockets;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

// Connections that programs open.
internal sealed partial class InterceptHub
{
    /// <summary>
    /// Begins to connect a program's socket. The kernel and the program see a connecting socket (SYN-SENT), and the kernel handles the wait.
    /// </summary>
    private InterceptReply Connect(SocketDescriptor descriptor, InetEndpoint remote, ulong only, uint user)
    {
        if (_networks.FindFor(remote.Address, user, only) is not { } network)
            return InterceptReply.Host;
        if (remote.Port == 0)
            return InterceptReply.Failed(Errno.ConnectionRefused);
        // The program retries with a TCP socket.
        if (descriptor.IsMultipath)
            return InterceptReply.Failed(Errno.ProtocolNotSupported);
        var attempt = new ConnectAttempt();
        ProgramSocket? socket;
        InetAddress far;
        lock (_lock)
        {
            socket = Find(descriptor);
            // Another program may own the port that an ended service used for pending connections.
            if (descriptor.TryGetFar(out var connected) && StandIns.IsFar(connected.Address) && socket?.Attempt?.Outcome is null or 0
                && FindConnection(descriptor, connected) is null)
                return InterceptReply.Failed(Errno.ConnectionAborted);
            var error = socket is null ? TryMake(descriptor, default, user, only, SocketTraits.None, out socket) : 0;
            if (error != 0)
                return InterceptReply.Failed(error);
            if (!_standIns.TryTakeFar(out far))
                return InterceptReply.Failed(Errno.NoBufferSpace);
            error = descriptor.Connect(new InetEndpoint(far, _sockets.SilentPort));
            if (error != Errno.InProgress)
            {
                // The kernel answers a repeated connect correctly, but does not know why the previous attempt failed.
                _standIns.Release(far);
                if (error is 0 or Errno.IsConnected)
                    ProgramSocketOptions.StartTimer(descriptor);
                return InterceptReply.Failed(error == Errno.ConnectionReset && socket!.Attempt?.Outcome is > 0 and { } reason ? reason : error);
            }

            socket!.Attempt = attempt;
            _far.Add(far, new ConnectionNames(socket.Local, remote, attempt.Connection, socket.Near, _sockets.SilentPort));
        }

        attempt.Connection.Set(ProgramSocketOptions.Read(descriptor, isOpening: true));
        _ = CarryAsync(network, socket, attempt, remote, far);
        return InterceptReply.Failed(Errno.InProgress);
    }

    // Handles changed options of a socket that is connected or about to connect.
    private InterceptReply Options(SocketDescriptor descriptor)
    {
        ProgramConnection? connection;
        lock (_lock)
            connection = descriptor.TryGetFar(out var far) ? FindConnection(descriptor, far)?.Connection : Find(descriptor)?.Attempt?.Connection;
        connection?.Set(ProgramSocketOptions.Read(descriptor, isOpening: false));
        return connection is null ? InterceptReply.Host : InterceptReply.Of(default);
    }

    private InterceptReply Outcome(SocketDescriptor descriptor)
    {
        lock (_lock)
        {
            if (Find(descriptor) is { Attempt.Outcome: { } outcome and not 0 })
                return InterceptReply.Failed(outcome);
            // Connected, but not by this service: another program took the port of one that ended.
            if (!descriptor.TryGetFar(out var far) || !StandIns.IsFar(far.Address))
                return InterceptReply.Host;
            if (FindConnection(descriptor, far) is null)
                return InterceptReply.Failed(Errno.ConnectionAborted);
            ProgramSocketOptions.StartTimer(descriptor);
            return InterceptReply.Host;
        }
    }

    private async Task CarryAsync(LanyardNetwork network, ProgramSocket socket, ConnectAttempt attempt, InetEndpoint remote, InetAddress far)
    {
        var (stream, error) = await OpenAsync(network, socket, remote, far).ConfigureAwait(false);
        if (stream is null)
        {
            lock (_lock)
                attempt.Outcome = error;
            // The program learns the reason from the outcome.
            _sockets.Refuse(far, socket.Near);
            End(socket, attempt, far, error);
            return;
        }

        if (await ReachAsync(socket, far).ConfigureAwait(false) is not { } program)
        {
            await RefuseAsync(stream).ConfigureAwait(false);
            End(socket, attempt, far, Errno.ConnectionAborted);
            return;
        }

        lock (_lock)
            attempt.Outcome = 0;
        try
        {
            await attempt.Connection.CarryAsync(program, stream).ConfigureAwait(false);
        }
        finally
        {
            End(socket, attempt, far, 0);
        }
    }

    private async Task<(LanyardStream? Stream, int Error)> OpenAsync(LanyardNetwork network, ProgramSocket socket, InetEndpoint remote, InetAddress far)
    {
        try
        {
            var stream = await network.ConnectAsync(socket.Local, remote).ConfigureAwait(false);
            lock (_lock)
                _far[far] = _far[far] with { Local = InetEndpoint.FromIPEndPoint(stream.LocalEndPoint) };
            return (stream, 0);
        }
        catch (Exception e) when (e is LanyardException or OperationCanceledException or ObjectDisposedException or ArgumentException)
        {
            return (null, Errno.Of(e));
        }
    }

    // Meets the program's connection, which waits at the silent port; null where it is gone.
    private async Task<Socket?> ReachAsync(ProgramSocket program, InetAddress far)
    {
        Socket? socket = null;
        try
        {
            socket = _sockets.CreateWaiting(far);
            await socket.ConnectAsync(program.Near.ToIPEndPoint()).ConfigureAwait(false);
            // The program may be gone, and another one listen at its address.
            if (!_systemSockets.IsAvailable
                || (_systemSockets.TryFind(program.Type, program.Near, new InetEndpoint(far, _sockets.SilentPort), out _, out var cookie) && cookie == program.Cookie))
                return socket;
        }
        catch (SocketException)
        {
            // It is gone.
        }

        socket?.Dispose();
        return null;
    }

    private static async ValueTask RefuseAsync(LanyardStream stream)
    {
        stream.Abort();
        await stream.DisposeAsync().ConfigureAwait(false);
    }

    // Of a connection that did not come about its program may yet ask why. A socket that had no other purpose than one that is over is forgotten.
    private void End(ProgramSocket socket, ConnectAttempt attempt, InetAddress far, int outcome)
    {
        lock (_lock)
        {
            Release(far);
            attempt.Outcome = outcome;
            if (outcome != 0 || socket.Attempt != attempt)
                return;
            socket.Attempt = null;
            if (socket is { Local.IsNone: true, Listener: null })
                Forget(socket);
        }
    }

    // Under the lock.
    private void Release(InetAddress far)
    {
        if (_far.Remove(far))
            _standIns.Release(far);
    }
}
