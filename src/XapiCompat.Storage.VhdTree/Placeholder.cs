namespace XapiCompat.Storage.VhdTree;
