namespace Lanyard;

/// <summary>Why a name means nothing on a virtual network.</summary>
public enum LanyardNameFailure
{
    /// <summary>It is no name of the network's: no address, no node's address, and not in the domain of the network's DNS.</summary>
    NotOnNetwork,

    /// <summary>The network's DNS servers know no address of it.</summary>
    NotFound,

    /// <summary>None of the network's DNS servers answered.</summary>
    NoAnswer,
}

/// <summary>A name means nothing on a virtual network.</summary>
public sealed class LanyardNameException : LanyardException
{
    /// <summary>An exception about a name.</summary>
    public LanyardNameException(string host, LanyardNameFailure failure, string message)
        : base(message)
    {
        Host = host;
        Failure = failure;
    }

    /// <summary>The name.</summary>
    public string Host { get; }

    /// <summary>Why.</summary>
    public LanyardNameFailure Failure { get; }
}
