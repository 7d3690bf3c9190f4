using System.Net.Sockets;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>What Lanyard throws where something outside the program went wrong. Its message says what happened and what to do.</summary>
public class LanyardException : IOException
{
    /// <summary>An exception with a message.</summary>
    public LanyardException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>The state folder, or a file in it, cannot be used.</summary>
public class LanyardStateException : LanyardException
{
    /// <summary>An exception about a file or folder.</summary>
    public LanyardStateException(string path, string message, Exception? innerException = null)
        : base(message, innerException) => Path = path;

    /// <summary>The file or folder; for stores other than a folder, the value's name.</summary>
    public string Path { get; }
}

/// <summary>Another process, or another node of this process, uses the state folder.</summary>
public sealed class LanyardStateInUseException : LanyardStateException
{
    /// <summary>An exception about a folder.</summary>
    public LanyardStateInUseException(string path, Exception? innerException = null)
        : this(path, $"The state folder '{path}' is in use by another node. A node's identity may be in use once only: end the other "
            + "process, or give this one a folder of its own.", innerException)
    {
    }

    /// <summary>Creates an exception about a state folder with a custom message.</summary>
    internal LanyardStateInUseException(string path, string message, Exception? innerException)
        : base(path, message, innerException)
    {
    }
}

/// <summary>Why a network did not come up.</summary>
public enum LanyardNetworkFailure
{
    /// <summary>The controller refuses this node: it is not authorized.</summary>
    AccessDenied,

    /// <summary>The controller knows no such network, or is no controller.</summary>
    NotFound,

    /// <summary>The network wants its user to sign in elsewhere first.</summary>
    AuthenticationRequired,

    /// <summary>The node is a member, but was assigned no address.</summary>
    NoAddress,

    /// <summary>There was no answer in time.</summary>
    TimedOut,

    /// <summary>The network was left, or its node ended, meanwhile.</summary>
    Left,
}

/// <summary>A network did not come up, or is not there any more.</summary>
public sealed class LanyardNetworkException : LanyardException
{
    /// <summary>An exception about a network.</summary>
    public LanyardNetworkException(NetworkId network, NodeAddress member, LanyardNetworkFailure failure, string message)
        : base(message)
    {
        Network = network;
        Member = member;
        Failure = failure;
    }

    /// <summary>The network.</summary>
    public NetworkId Network { get; }

    /// <summary>This node: the member that its controller's owner would authorize.</summary>
    public NodeAddress Member { get; }

    /// <summary>Why.</summary>
    public LanyardNetworkFailure Failure { get; }
}

/// <summary>
/// A connection, a datagram or a ping over a virtual network failed. The inner exception is the <see cref="SocketException"/> that a socket
/// of the system would have thrown.
/// </summary>
public sealed class LanyardSocketException : LanyardException
{
    /// <summary>Creates an exception about a socket.</summary>
    /// <param name="error">The error code.</param>
    /// <param name="remote">The remote endpoint; the default value if there is none.</param>
    /// <param name="message">The message.</param>
    public LanyardSocketException(SocketError error, InetEndpoint remote, string message)
        : base(message, new SocketException((int)error))
    {
        SocketErrorCode = error;
        Remote = remote;
    }

    internal LanyardSocketException(NetError error, InetEndpoint remote, string message)
        : this(SocketErrors.Of(error), remote, message) => Error = error;

    /// <summary>The error code, as a socket of the system would report it.</summary>
    public SocketError SocketErrorCode { get; }

    /// <summary>The error of the stack; None if the exception does not come from it.</summary>
    internal NetError Error { get; }

    /// <summary>The other end; none where there is no other end.</summary>
    public InetEndpoint Remote { get; }
}
