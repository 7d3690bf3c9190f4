using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Lanyard.Intercept.Hub;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard.Intercept;

/// <summary>
/// Serves programs whose sockets are redirected (<c>lanyard run</c>), over a local socket. The kernel reports the requesting user
/// (<c>SO_PEERCRED</c>), and the socket's file mode determines the users that may connect.
/// </summary>
public sealed class InterceptServer : IAsyncDisposable
{
    /// <summary>The socket's name in a service's folder.</summary>
    public const string SocketFile = "intercept.sock";

    private const int SoPeerCredentials = 17;
    private const int MaxOpenRequests = 4_096;
    private const int MaxOpenRequestsOfUser = 1_024;
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    private readonly string _path;
    private readonly Socket _listener;
    private readonly InterceptHub _hub;
    private readonly DescriptorCloser _closer = new();
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<uint, int> _openOfUser = new();
    private readonly SemaphoreSlim _room = new(MaxOpenRequests);
    private readonly Task _accepting;

    private InterceptServer(string path, Socket listener, InterceptHub hub, ILogger logger)
    {
        _path = path;
        _listener = listener;
        _hub = hub;
        _logger = logger;
        _accepting = AcceptAsync();
    }

    /// <summary>The number of programs' sockets.</summary>
    public int SocketCount => _hub.SocketCount;

    /// <summary>The number of programs' virtual connections.</summary>
    public int ConnectionCount => _hub.ConnectionCount;

    /// <summary>The number of datagrams dropped because they came from a program's address without the socket's token.</summary>
    public long RefusedDatagramCount => _hub.RefusedDatagramCount;

    /// <summary>The number of requests about a connection or datagram at a loopback alias address that this service did not create, or that has ended.</summary>
    public long RefusedNameCount => _hub.RefusedNameCount;

    /// <summary>Starts a server.</summary>
    /// <param name="node">The node whose networks programs use.</param>
    /// <param name="options">The server's options.</param>
    /// <param name="loggers">Creates the logger; null for none.</param>
    /// <returns>The server, until it is disposed of.</returns>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    /// <exception cref="LanyardException">The local socket cannot be created; the message says why.</exception>
    public static InterceptServer Start(LanyardNode node, InterceptOptions options, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(options);
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("Redirecting programs' sockets needs Linux.");
        var logger = loggers?.CreateLogger<InterceptServer>() ?? NullLogger<InterceptServer>.Instance;
        var listener = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        try
        {
            // Remove the socket of a killed service, but no other file.
            if (Libc.IsSocket(options.SocketPath) && !IsServed(options.SocketPath))
                File.Delete(options.SocketPath);
            listener.Bind(new UnixDomainSocketEndPoint(options.SocketPath));
            File.SetUnixFileMode(options.SocketPath, options.SocketMode);
            listener.Listen(MaxOpenRequests);
            return new InterceptServer(options.SocketPath, listener, new InterceptHub(node, options.MayUse, options.MemoryPath), logger);
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            listener.Dispose();
            throw new LanyardException($"Cannot create the local socket {options.SocketPath} for programs: {e.Message}", e);
        }
    }

    /// <summary>Returns whether the file at a path is a local socket.</summary>
    /// <param name="path">The path.</param>
    public static bool IsSocket(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return OperatingSystem.IsLinux() && Libc.IsSocket(path);
    }

    /// <summary>Returns whether a service accepts connections at a local socket.</summary>
    /// <param name="path">The path of the socket.</param>
    public static bool IsServed(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!OperatingSystem.IsLinux() || !File.Exists(path))
            return false;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Stops the server. Programs' virtual connections are reset.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);
        _hub.Dispose();
        _closer.Dispose();
        try
        {
            StateFile.Delete(_path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // A remaining socket refuses connections, and the next service removes it.
        }

        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var isFailing = false;
        while (true)
        {
            try
            {
                await _room.WaitAsync(_stop.Token).ConfigureAwait(false);
                var client = await _listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                isFailing = false;
                _ = ServeAsync(client);
            }
            catch (SocketException failure) when (!_stop.IsCancellationRequested)
            {
                // For example, no free descriptor. Logged once.
                if (!isFailing)
                    InterceptLog.NotAccepted(_logger, failure.Message);
                isFailing = true;
                _room.Release();
                await Task.Delay(AcceptPause).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        uint? user = null;
        try
        {
            using (client)
            {
                user = ReadUser(client);
                // A limit for each user, so that one user's programs cannot delay others. Beyond the limit, the connection is closed.
                if (_openOfUser.AddOrUpdate(user.Value, 1, static (_, count) => count + 1) <= MaxOpenRequestsOfUser)
                    await AnswerAsync(client, user.Value).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The program closed the connection, or sent no request in time.
        }
#pragma warning disable CA1031 // An internal error must not stop the service of other programs.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            InterceptLog.RequestFailed(_logger, failure);
        }
        finally
        {
            if (user is { } known && _openOfUser.AddOrUpdate(known, 0, static (_, count) => count - 1) == 0)
                _openOfUser.TryRemove(new KeyValuePair<uint, int>(known, 0));
            _room.Release();
        }
    }

    private async Task AnswerAsync(Socket client, uint user)
    {
        var message = new byte[Marshal.SizeOf<InterceptRequest>() + InterceptProtocol.NameMax];
        using (var patience = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
        {
            patience.CancelAfter(RequestTimeout);
            await client.ReceiveAsync(message.AsMemory(0, 1), SocketFlags.Peek, patience.Token).ConfigureAwait(false);
        }

        var length = Receive(client, message, out var descriptor, out var second);
        try
        {
            if (!MemoryMarshal.TryRead<InterceptRequest>(message.AsSpan(0, length), out var request))
                return;
            var isUnderstood = request.Magic == InterceptProtocol.Magic;
            var reply = request.Operation switch
            {
                InterceptOperation.Resolve when isUnderstood => await ResolveAsync(message.AsMemory(0, length), request, user).ConfigureAwait(false),
                InterceptOperation.Interfaces when isUnderstood => Write(InterceptReply.Of(default), _hub.Interfaces(new SocketOwner(user, request.Network)).AsSpan()),
                _ => Write<InterceptEndpoint>(descriptor is null ? InterceptReply.Failed(Errno.BadRequest) : _hub.Handle(request, descriptor, second), []),
            };
            // The program uses its sockets again after the reply, so close the service's copies of the descriptors first.
            Close(ref descriptor);
            Close(ref second);
            await client.SendAsync(reply, _stop.Token).ConfigureAwait(false);
        }
        finally
        {
            Close(ref descriptor);
            Close(ref second);
        }
    }

    private void Close(ref SocketDescriptor? descriptor)
    {
        _closer.Close(descriptor);
        descriptor = null;
    }

    // Receives a message and its descriptors, at most two. The system closes excess descriptors.
    private static unsafe int Receive(Socket client, byte[] message, out SocketDescriptor? descriptor, out SocketDescriptor? second)
    {
        Libc.DescriptorControl control = default;
        fixed (byte* bytes = message)
        {
            var vector = new Libc.IoVector { Base = (nuint)bytes, Length = (nuint)message.Length };
            var header = new Libc.Message
            {
                IoVectors = (nuint)(&vector),
                IoVectorCount = 1,
                Control = (nuint)(&control),
                ControlLength = Libc.DescriptorControl.UsedBytesOfTwo,
            };
            var length = Libc.ReceiveMessage(client.SafeHandle, &header, Libc.DoNotWait | Libc.CloseReceivedOnExec);
            var isAlong = length >= 0 && header.ControlLength >= Libc.DescriptorControl.UsedBytes && control is { Level: Libc.SolSocket, Type: Libc.PassRights };
            descriptor = isAlong ? new SocketDescriptor(control.Descriptor) : null;
            second = isAlong && control.Length >= Libc.DescriptorControl.UsedBytesOfTwo ? new SocketDescriptor(control.Second) : null;
            return (int)Math.Max(0, length);
        }
    }

    private async Task<byte[]> ResolveAsync(ReadOnlyMemory<byte> message, InterceptRequest request, uint user)
    {
        var name = Encoding.UTF8.GetString(message.Span[Marshal.SizeOf<InterceptRequest>()..]);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        patience.CancelAfter(RequestTimeout);
        var owner = new SocketOwner(user, request.Network);
        var resolving = (request.Flags & InterceptFlags.V4) != 0
            ? _hub.ResolveV4Async(name, owner, patience.Token) : _hub.ResolveAsync(name, owner, patience.Token);
        return await resolving.ConfigureAwait(false) is { } addresses
            ? Write(InterceptReply.Of(default), addresses.Select(address => InterceptEndpoint.Of(new InetEndpoint(address, 0))).ToArray().AsSpan())
            : Write<InterceptEndpoint>(InterceptReply.Host, []);
    }

    // Writes a reply and the items that follow it.
    private static byte[] Write<T>(InterceptReply reply, ReadOnlySpan<T> items)
        where T : unmanaged
    {
        items = items[..Math.Min(items.Length, InterceptProtocol.AddressesMax)];
        reply.Count = (ushort)items.Length;
        return [.. MemoryMarshal.AsBytes(new ReadOnlySpan<InterceptReply>(in reply)), .. MemoryMarshal.AsBytes(items)];
    }

    // struct ucred: process, user, group.
    private static uint ReadUser(Socket client)
    {
        Span<uint> credentials = stackalloc uint[3];
        client.GetRawSocketOption(Libc.SolSocket, SoPeerCredentials, MemoryMarshal.AsBytes(credentials));
        return credentials[1];
    }
}
