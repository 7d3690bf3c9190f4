using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

// Connections that programs open.
internal sealed partial class InterceptHub
{
    /// <summary>
    /// Connects a program's socket. A non-blocking one is connecting from now on, as far as its program can tell; a blocking one is connected when this answers.
    /// </summary>
    private async ValueTask<InterceptReply> ConnectAsync(SocketDescriptor descriptor, InetEndpoint remote, ulong only, uint user, CancellationToken gaveUp)
    {
        if (_networks.FindFor(remote.Address, user, only) is not { } network)
            return InterceptReply.Host;
        if (remote.Port == 0)
            return InterceptReply.Failed(Errno.ConnectionRefused);
        var isBlocking = !descriptor.IsNonBlocking;
        var attempt = new ConnectAttempt();
        ProgramSocket? socket;
        InetAddress far;
        lock (_lock)
        {
            socket = Find(descriptor);
            if (socket?.Attempt is { Outcome: null or not 0 })
                return InterceptReply.Failed(AnswerOfSystem(descriptor, socket));
            var error = socket is null ? TryMake(descriptor, default, user, only, SocketTraits.None, out socket) : 0;
            if (error != 0)
                return InterceptReply.Failed(error);
            if (!_standIns.TryTakeFar(out far))
                return InterceptReply.Failed(Errno.NoBufferSpace);
            socket!.Attempt = attempt;
            _far.Add(far, new ConnectionNames(socket.Local, remote, _sockets.SilentPort));
        }

        if (!isBlocking)
        {
            var started = descriptor.Connect(new InetEndpoint(far, _sockets.SilentPort));
            if (started != Errno.InProgress)
            {
                End(socket, attempt, far, 0);
                return InterceptReply.Failed(started);
            }

            _ = ConnectInBackgroundAsync(network, socket, attempt, remote, far);
            return InterceptReply.Failed(Errno.InProgress);
        }

        var (stream, failure) = await OpenAsync(network, socket, remote, far, gaveUp).ConfigureAwait(false);
        Socket? program = null;
        if (stream is not null)
        {
            // The system's connection takes no time, but for what it takes to be met.
            failure = descriptor.Connect(new InetEndpoint(far, _sockets.SilentPort));
            program = failure == Errno.InProgress ? await ReachAsync(socket.Near, far).ConfigureAwait(false) : null;
            if (program is not null)
            {
                _ = CarryAsync(socket, attempt, program, stream, far);
                return InterceptReply.Of(default);
            }

            await RefuseAsync(stream).ConfigureAwait(false);
            failure = failure == Errno.InProgress ? Errno.ConnectionAborted : failure;
        }

        // It is told here how it went; the socket may try again.
        End(socket, attempt, far, 0);
        return InterceptReply.Failed(failure);
    }

    private InterceptReply Outcome(SocketDescriptor descriptor)
    {
        lock (_lock)
            return Find(descriptor) is { Attempt.Outcome: { } outcome } ? InterceptReply.Failed(outcome) : InterceptReply.Host;
    }

    // Connecting again says how it goes, or how it went: the system knows, but not why it failed.
    private static int AnswerOfSystem(SocketDescriptor descriptor, ProgramSocket socket)
    {
        var error = descriptor.Connect(socket.Near);
        var outcome = socket.Attempt?.Outcome;
        if (outcome is not null)
            socket.Attempt = null;
        return outcome is > 0 and { } reason && error is Errno.ConnectionReset or Errno.ConnectionAborted ? reason : error;
    }

    private async Task ConnectInBackgroundAsync(LanyardNetwork network, ProgramSocket socket, ConnectAttempt attempt, InetEndpoint remote, InetAddress far)
    {
        var (stream, error) = await OpenAsync(network, socket, remote, far, CancellationToken.None).ConfigureAwait(false);
        if (error != 0)
        {
            lock (_lock)
                attempt.Outcome = error;
        }

        var program = await ReachAsync(socket.Near, far).ConfigureAwait(false);
        if (program is not null && stream is not null)
        {
            await CarryAsync(socket, attempt, program, stream, far).ConfigureAwait(false);
            return;
        }

        // Closing it resets it: the program learns the reason from the outcome.
        program?.Dispose();
        if (stream is not null)
            await RefuseAsync(stream).ConfigureAwait(false);
        End(socket, attempt, far, stream is null ? error : Errno.ConnectionAborted);
    }

    private async Task<(LanyardStream? Stream, int Error)> OpenAsync(
        LanyardNetwork network, ProgramSocket socket, InetEndpoint remote, InetAddress far, CancellationToken gaveUp)
    {
        try
        {
            var stream = await network.ConnectAsync(socket.Local, remote, cancellationToken: gaveUp).ConfigureAwait(false);
            lock (_lock)
                _far[far] = new ConnectionNames(InetEndpoint.FromIPEndPoint(stream.LocalEndPoint), remote, _sockets.SilentPort);
            return (stream, 0);
        }
        catch (Exception e) when (e is LanyardException or OperationCanceledException or ObjectDisposedException or ArgumentException)
        {
            return (null, Errno.Of(e));
        }
    }

    private async Task CarryAsync(ProgramSocket socket, ConnectAttempt attempt, Socket program, LanyardStream stream, InetAddress far)
    {
        lock (_lock)
            attempt.Outcome = 0;
        try
        {
            await DuplexRelay.RunAsync(program, stream).ConfigureAwait(false);
        }
        finally
        {
            End(socket, attempt, far, 0);
        }
    }

    // Meets the program's connection, which waits at the silent port; null where it is gone.
    private async Task<Socket?> ReachAsync(InetEndpoint near, InetAddress far)
    {
        Socket? socket = null;
        try
        {
            socket = LoopbackSockets.Bound(far, _sockets.SilentPort);
            await socket.ConnectAsync(near.ToIPEndPoint()).ConfigureAwait(false);
            return socket;
        }
        catch (SocketException)
        {
            socket?.Dispose();
            return null;
        }
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
