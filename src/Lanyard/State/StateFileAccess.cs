namespace Lanyard;

/// <summary>Who may read a file of a node's state. Only its owner may ever write to one.</summary>
public enum StateFileAccess
{
    /// <summary>Its owner (mode 0600).</summary>
    Owner,

    /// <summary>Everyone (mode 0644, less the process's umask).</summary>
    Everyone,
}
