using System.Net;
using Lanyard.NetStack;

namespace Lanyard;

/// <summary>
/// A TCP connection over a virtual network. One read and one write may be under way at a time, by different threads; a second of either kind throws
/// <see cref="InvalidOperationException"/>. Awaiting them allocates nothing.
/// </summary>
/// <remarks>
/// A write is done when all bytes are in the send buffer; they are sent at once, so <see cref="FlushAsync"/> has nothing to do. Disposing finishes
/// sending in the background; the connection is reset instead if received bytes were not read.
/// </remarks>
public sealed class LanyardStream : Stream
{
    internal LanyardStream()
    {
    }

    /// <summary>The network.</summary>
    public LanyardNetwork Network => throw new NotImplementedException();

    /// <summary>This end.</summary>
    public IPEndPoint LocalEndPoint => throw new NotImplementedException();

    /// <summary>The other end.</summary>
    public IPEndPoint RemoteEndPoint => throw new NotImplementedException();

    /// <summary>Whether small writes are sent at once rather than gathered (Nagle's algorithm off). Default true.</summary>
    public bool NoDelay { get => throw new NotImplementedException(); set => throw new NotImplementedException(); }

    /// <summary>The connection's settings; see <see cref="TcpConnection.Configure"/> for what may be changed.</summary>
    public TcpOptions Options { get => throw new NotImplementedException(); set => throw new NotImplementedException(); }

    /// <summary>How the connection is doing.</summary>
    public TcpInfo Info => throw new NotImplementedException();

    /// <summary>Bytes that can be read without waiting.</summary>
    public int Available => throw new NotImplementedException();

    /// <inheritdoc/>
    public override bool CanRead => throw new NotImplementedException();

    /// <inheritdoc/>
    public override bool CanWrite => throw new NotImplementedException();

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanTimeout => true;

    /// <summary>How long a read may wait for the first byte, in milliseconds; <see cref="Timeout.Infinite"/>, the default, for ever. Of synchronous reads only, as with every stream.</summary>
    public override int ReadTimeout { get => throw new NotImplementedException(); set => throw new NotImplementedException(); }

    /// <summary>How long a write may wait for room, in milliseconds; <see cref="Timeout.Infinite"/>, the default, for ever. Of synchronous writes only, as with every stream.</summary>
    public override int WriteTimeout { get => throw new NotImplementedException(); set => throw new NotImplementedException(); }

    /// <summary>Not supported.</summary>
    public override long Length => throw new NotSupportedException();

    /// <summary>Not supported.</summary>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Reads what has arrived, waiting for the first byte.</summary>
    /// <param name="buffer">Where it goes. A read into an empty buffer waits until there is something to read.</param>
    /// <param name="cancellationToken">Stops waiting; the connection stays as it is.</param>
    /// <returns>How many bytes; 0 once the other end has finished sending.</returns>
    /// <exception cref="LanyardSocketException">The connection failed.</exception>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Sends bytes.</summary>
    /// <param name="buffer">The bytes; they must not change until the write is done.</param>
    /// <param name="cancellationToken">Stops waiting for room; what was taken until then is sent.</param>
    /// <exception cref="LanyardSocketException">The connection failed, or sending has ended.</exception>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotImplementedException();

    /// <summary>Does nothing: what was written is on its way.</summary>
    public override void Flush()
    {
    }

    /// <summary>Does nothing: what was written is on its way.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Not supported.</summary>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <summary>Not supported.</summary>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Finishes sending: the other end reads to the end of what was written. Receiving goes on.</summary>
    public void ShutdownSend() => throw new NotImplementedException();

    /// <summary>Ends the connection at once with a reset; what was not sent is lost. Reads and writes under way throw.</summary>
    public void Abort() => throw new NotImplementedException();
}
